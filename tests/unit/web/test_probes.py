"""Dependencies are asked side by side, and one that hangs holds nobody up."""

import threading
import time
from collections.abc import Callable, Mapping

import pytest

from web.asking import Question
from web.probes import Missing, Need, Probes, State


def refuse() -> None:
    raise Missing("The database has schema 0001; this version needs 0002.")


def leak() -> None:
    raise RuntimeError("could not connect to postgresql://user:secret@host")


def test_each_need_says_how_it_is() -> None:
    found = Probes(
        [
            Need("database", lambda: None, "Start it."),
            Need("schema", refuse, "Run `twirl migrate`."),
            Need("redis", leak, "Start Redis.", required=False),
        ]
    ).states()
    assert found["database"].ok and found["database"].message == ""
    assert not found["schema"].ok
    assert found["schema"].message.startswith("The database has schema 0001")
    assert found["schema"].fix == "Run `twirl migrate`."
    assert found["redis"].message == "The redis does not answer."  # what a library says is not for everyone
    assert not found["redis"].required


def test_what_stands_on_another_says_which_to_mend_first() -> None:
    def states(database: Callable[[], None]) -> Mapping[str, State]:
        needs = [
            Need("database", database, "Start it."),
            Need("schema", refuse, "Run `twirl migrate`.", stands_on=("database",)),
        ]
        return Probes(needs).states()

    assert states(lambda: None)["schema"].fix == "Run `twirl migrate`."
    both = states(refuse)
    assert both["database"].fix == "Start it." and not both["schema"].ok
    assert both["schema"].fix == "See database: it must answer first."


def test_what_hangs_delays_nobody_and_is_asked_once() -> None:
    asked, go_on = [], threading.Event()

    def hang() -> None:
        asked.append(1)
        go_on.wait(30)

    probes = Probes([Need("engine", hang, "Start it."), Need("database", lambda: None, "")], fresh_s=0.0)
    for _ in range(3):
        began = time.monotonic()
        found = probes.states(patience_s=0.1)
        assert time.monotonic() - began < 2
        assert found["database"].ok
        assert not found["engine"].ok and found["engine"].message == "The engine does not answer."
    assert len(asked) == 1
    go_on.set()
    deadline = time.monotonic() + 10
    while not probes.states(0.5)["engine"].ok:
        assert time.monotonic() < deadline


def test_an_answer_is_kept_while_it_is_fresh() -> None:
    asked: list[int] = []
    question = Question("count", lambda: asked.append(1) or len(asked), fresh_s=60)
    for _ in range(5):
        answer = question.answer(10)
        assert answer is not None and answer.value == 1
    question.forget()
    answer = question.answer(10)
    assert answer is not None and answer.value == 2


def test_slow_answers_are_kept_longer() -> None:
    asked: list[float] = []

    def slow() -> None:
        asked.append(time.monotonic())
        time.sleep(0.05)

    question = Question("slow", slow, fresh_s=0.0)
    until = time.monotonic() + 0.4
    while time.monotonic() < until:
        question.answer(5)
    assert len(asked) == 1  # at most a tenth of the time goes into asking


def test_an_error_is_an_answer() -> None:
    question = Question("broken", refuse, fresh_s=0.0)
    answer = question.answer(10)
    assert answer is not None and isinstance(answer.error, Missing) and answer.value is None
    with pytest.raises(Missing):
        raise answer.error
