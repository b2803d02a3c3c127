"""What needs an operator now, the gravest first: the alerts of docs/metrics.md as far as one look tells."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from web.ops.figures import Figures
from web.probes import State

OLD_S = {"edit": 300, "bulk": 3600}  # seconds after which waiting is too long
STILL_S = 600  # after which a fill that does not move has lost its workers


@dataclass(frozen=True)
class Concern:
    """One thing that is not as it should be. `alert` names the page of the runbook that is about it."""

    alert: str
    message: str
    fix: str
    grave: bool = True


def concerns(states: Mapping[str, State], figures: Figures | None) -> list[Concern]:
    """Everything that is amiss; [] when all is well."""
    found = [*_missing(states), *(_work(figures) if figures is not None else ())]
    return sorted(found, key=lambda concern: not concern.grave)


_ALERTS = {
    "database": "TwirlDatabaseDown", "schema": "TwirlSchemaBehind", "engine": "TwirlEngineDown",
    "live-index": "TwirlLiveIndexMissing", "model": "TwirlWebDown", "images": "TwirlImagesAway",
    "redis": "TwirlRedisDown",
}  # fmt: skip


def _missing(states: Mapping[str, State]) -> Iterator[Concern]:
    for name, state in states.items():
        if not state.ok:
            yield Concern(_ALERTS.get(name, "TwirlWebDown"), state.message, state.fix, state.required)


def _work(figures: Figures) -> Iterator[Concern]:
    for queue in {each.queue: None for each in figures.waiting if each.images}:
        if not figures.workers_of(queue):
            yield Concern(
                "TwirlNoWorkers",
                f"Nobody takes from the queue {queue}.",
                f"Start a worker: twirl worker --queues {queue}; embedded, look at the indexer's log.",
            )
    for each in figures.waiting:
        if each.oldest_s > OLD_S[each.priority]:
            yield Concern(
                "TwirlQueueOld",
                f"In the queue {each.queue} an image has been due for {round(each.oldest_s / 60)} minutes.",
                "Add workers for this queue, or see below what fails.",
                grave=False,
            )
    if figures.imports.get("silent"):
        yield Concern(
            "TwirlImportSilent",
            f"Imports without a sign of life for 5 minutes: {figures.imports['silent']}.",
            "Run the import again: rows that are in already are not written twice.",
            grave=False,
        )
    for fill in figures.fills:
        if fill.still_s > STILL_S:
            yield Concern(
                "TwirlFillStalled",
                f"The filling of {fill.index.pack} has not moved for {round(fill.still_s / 60)} minutes.",
                "See whether workers run and what their log says.",
                grave=False,
            )
