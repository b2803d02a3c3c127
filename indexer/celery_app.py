"""The entry point of workers: settings -> a Celery application with tasks. Importing it makes nothing.

    from settings import load
    app = make_app(load())

What a task needs is made in the process that runs it, after any fork, and the models when the first batch is
to be embedded.
"""

import logging
from typing import Any

from celery import Celery, signals

from bootstrap import Services
from indexer import tasks
from indexer.broker import make_broker
from indexer.model_loading import ModelLoading
from indexer.workshop import Workbench, Workshop
from settings import Settings

QUIET = ("celery.worker.strategy", "celery.app.trace", "celery.beat", "kombu")  # a line each task, or more


def make_app(settings: Settings) -> Celery:
    """The application that these settings describe. Opens nothing; its workers have to be started."""
    queue = settings.queue
    app = make_broker(
        queue.redis_url,
        Services(settings).limits,
        worker_concurrency=queue.worker_concurrency,
        worker_pool=queue.worker_pool,
        worker_max_memory_per_child=queue.worker_memory_mb * 1024,
    )
    bench = Workbench(lambda: _workshop(settings))
    tasks.register(app, bench)
    _follow(bench)
    return app


def _workshop(settings: Settings) -> Workshop:
    services = Services(settings)
    services.observe("worker")
    activity = services.activity(settings.worker_queues)
    return Workshop(
        sessions=services.sessions,
        pipeline=services.pipeline(activity.report),
        models=ModelLoading(services.packs, settings.queue.task_soft_limit_s / 2),
        fills=services.filler(activity),
        bell=services.bell,
        activity=activity,
        blobs=services.blobs,
        incoming=services.incoming,
        lease_s=services.lease_s,
        deleted_s=services.settings.indexing.deleted_kept_s,
        embed_wait_s=settings.queue.embed_wait_ms / 1000,
        query_days=services.settings.model.query_log_days,
        beside=services.beside(budget_s=20.0),
        imports=services.imports(),
        close_parts=services.close,
    )


def _follow(bench: Workbench) -> None:
    """Open the workshop with its process and close it with it."""

    def opened(**_: Any) -> None:
        bench.get()

    def closed(**_: Any) -> None:
        bench.close()

    keep_logging()
    signals.worker_process_init.connect(opened, weak=False)
    signals.worker_process_shutdown.connect(closed, weak=False)
    signals.worker_shutdown.connect(closed, weak=False)


def keep_logging() -> None:
    """Have Celery leave logging as it was set up, and spare us its lines about every task."""
    signals.setup_logging.connect(lambda **_: None, weak=False)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
