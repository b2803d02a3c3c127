"""Starts a Celery worker or the beat over the services, and has them end the way the ledger likes."""

import os
import socket
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from bootstrap import Services
from settings import let_sigterm_wait

Say = Callable[[str], None]


def run_worker(services: Services, say: Say) -> None:
    """Work until SIGTERM; then finish what is in hand, or hand it back. Ends the process.

    The services are closed first: what a task needs is made in the process that runs it, after the fork.
    """
    chosen = services.settings.queue
    if chosen.worker_pool != "solo":  # there a signal interrupts the task itself, which had better be let end
        let_sigterm_wait()
    from celery import signals  # reads the environment
    from celery.exceptions import SecurityWarning

    from indexer.alive import Pulse
    from indexer.celery_app import make_app
    from indexer.sweeper import release_dead

    release_dead(services.sessions)  # of an earlier life on this machine
    services.bell.ring()
    services.close()
    app = make_app(services.settings)
    pulse = Pulse(services.settings.indexing.alive_path)
    signals.heartbeat_sent.connect(pulse.beat, weak=False)
    asked: list[str] = []
    signals.worker_shutting_down.connect(lambda sig, **_: asked.append(sig), weak=False)
    queues = ", ".join(services.settings.worker_queues)
    say(f"Worker {os.getpid()}: {queues}; {chosen.worker_concurrency} at once ({chosen.worker_pool})")
    # As root it warns of pickled messages, which we never accept.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    worker = _worker(app, services.settings.worker_queues)
    worker.start()
    pulse.stop()
    raise SystemExit(0 if asked else worker.exitcode or 0)


def _worker(app: Any, queues: tuple[str, ...]) -> Any:
    return app.Worker(
        hostname=f"twirl-{os.getpid()}@{socket.gethostname()}",
        queues=list(queues),
        loglevel="INFO",
        quiet=True,
        optimization="fair",  # a message goes to a process that is free
        without_gossip=True,
        without_mingle=True,
    )


def run_beat(services: Services, say: Say) -> None:
    """Look after the ledger until SIGTERM."""
    from celery.apps.beat import Beat

    from indexer import beat
    from indexer.alive import Pulse
    from indexer.broker import make_broker
    from indexer.celery_app import keep_logging

    chosen = services.settings.queue
    sweep = beat.Sweep(services.sessions, services.bell, services.lease_s)
    app = make_broker(chosen.redis_url, services.limits, beat_schedule=beat.schedule(chosen.sweep_s))
    keep_logging()
    pulse = Pulse(services.settings.indexing.alive_path)
    scheduler = partial(
        beat.LedgerScheduler,
        rounds=beat.rounds(sweep),
        kept=services.data / "run" / "beat.json",
        pulse=pulse,
    )
    say(f"Beat {os.getpid()}: looks at the ledger every {chosen.sweep_s:g} s")
    try:
        Beat(app=app, quiet=True, scheduler_cls=scheduler, loglevel="WARNING").run()
    finally:
        pulse.stop()
        services.close()
