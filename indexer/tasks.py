"""The tasks, a line each; what they do is in `indexer.workshop`. Messages carry these names.

twirl.images  twirl.embed  twirl.index        a batch of that stage
twirl.maintenance                             a piece of an index that is being filled
twirl.imports                                 an import that was asked for, or a feed whose turn has come
twirl.webhooks                                what webhooks are to be told, in the queue of what leads out
twirl.tidy  twirl.garbage                     what the beat asks for now and then, in the same queue
"""

from collections.abc import Callable
from typing import Any

import structlog
from celery import Celery, Task

from indexer.workshop import Workbench, Workshop

GARBAGE_S = 3600  # a walk over all bytes of a large shop; nobody waits for it
IMPORT_S = 6 * 3600  # a feed of millions of rows

_WORK: dict[str, Callable[[Workshop], int]] = {
    "twirl.images": Workshop.images,
    "twirl.embed": Workshop.embed,
    "twirl.index": Workshop.index,
    "twirl.maintenance": Workshop.fill,
    "twirl.imports": Workshop.take_in,
    "twirl.webhooks": Workshop.tell,
    "twirl.tidy": Workshop.tidy,
    "twirl.garbage": Workshop.garbage,
}
# Acknowledged before it begins: it may take longer than a message may stay out, and comes again anyway.
_OPTIONS: dict[str, dict[str, Any]] = {
    "twirl.imports": {"acks_late": False, "soft_time_limit": IMPORT_S, "time_limit": IMPORT_S + 60},
    "twirl.garbage": {"acks_late": False, "soft_time_limit": GARBAGE_S, "time_limit": GARBAGE_S + 60},
}


def register(app: Celery, bench: Workbench) -> None:
    """Make the tasks of an application; they ask `bench` for this process's workshop."""
    for name, work in _WORK.items():
        app.task(_task(bench, work), name=name, bind=True, **_OPTIONS.get(name, {}))


def _task(bench: Workbench, work: Callable[[Workshop], int]) -> Callable[..., int]:
    def run(self: "Task[..., int]", products: list[int] | None = None, **_: Any) -> int:
        with structlog.contextvars.bound_contextvars(**_request(self)):
            workshop = bench.get()
            return work(workshop) if workshop else 0

    return run


def _request(task: Any) -> dict[str, str]:
    """The request that the bell was rung for, so that log lines and further rings name it."""
    said = task.request.get("request_id") or (task.request.headers or {}).get("request_id")
    return {"request_id": str(said)} if said else {}
