"""What the web process needs, asked now and then: each by itself, so that none delays another.

A dependency that hangs "does not answer" once somebody has waited `PATIENCE_S`, and is not asked again before
it has answered.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from structlog import get_logger

from web.asking import Question

log = get_logger("web")
PATIENCE_S = 2.5
FRESH_S = 1.0  # within which an answer is given again: the address is open to everyone


@dataclass(frozen=True)
class Need:
    """One dependency: how it is tried (raises when it is not there) and what to do when it is away.

    What is not `required` is reported and does not make the process unfit to serve.
    """

    name: str
    check: Callable[[], object]
    fix: str
    required: bool = True
    stands_on: tuple[str, ...] = ()  # while one of these is away, its own fix mends nothing


@dataclass(frozen=True)
class State:
    """How a dependency was found, and how long that took."""

    ok: bool
    seconds: float
    message: str = ""
    fix: str = ""
    required: bool = True


class Missing(Exception):
    """A dependency answers, but is not what is needed; `message` can be shown to anyone."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Probes:
    """Asks several needs at once. Thread-safe."""

    def __init__(self, needs: Sequence[Need], fresh_s: float = FRESH_S) -> None:
        self._asked = [(need, Question(need.name, _noting(need), fresh_s, share=1.0)) for need in needs]

    def states(self, patience_s: float = PATIENCE_S) -> Mapping[str, State]:
        """{name: how it was found}, within `patience_s`."""
        deadline = time.monotonic() + patience_s
        begun = [(need, question, question.begin()) for need, question in self._asked]
        found = {}
        for need, question, answered in begun:
            there = answered is None or answered.wait(max(0.0, deadline - time.monotonic()))
            found[need.name] = _state(need, question, there)
        return {need.name: _rooted(need, found) for need, _ in self._asked}


def _state(need: Need, question: Question[object], there: bool) -> State:
    answer = question.last
    if not there or answer is None:
        return State(False, question.asked_s, f"The {need.name} does not answer.", need.fix, need.required)
    if answer.error is None:
        return State(True, answer.seconds, required=need.required)
    said = getattr(answer.error, "message", "") if _may_be_shown(answer.error) else ""
    message = said or f"The {need.name} does not answer."
    return State(False, answer.seconds, message, need.fix, need.required)


def _rooted(need: Need, found: Mapping[str, State]) -> State:
    """How it was found; where what it stands on is away, that is what to mend."""
    state = found[need.name]
    away = next((name for name in need.stands_on if not found[name].ok), "")
    return state if state.ok or not away else replace(state, fix=f"See {away}: it must answer first.")


def _noting(need: Need) -> Callable[[], object]:
    def check() -> object:
        try:
            return need.check()
        except Exception as error:
            log.warning("not-ready", dependency=need.name, cause=repr(error)[:300])
            raise

    return check


def _may_be_shown(error: Exception) -> bool:
    """Messages of our own rooms name no secrets; those of libraries may."""
    return type(error).__module__.split(".")[0] in ("web", "catalog", "vectors", "searcher", "embedding")
