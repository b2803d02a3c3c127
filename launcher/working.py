"""Starts a Celery worker or the beat over the services, and has them end the way the ledger likes."""

import os
import signal
import socket
import sys
import threading
import time
import warnings
from functools import partial
from typing import Any

import celery.apps.worker
from billiard import active_children  # type: ignore[import-untyped]
from celery import signals
from celery.exceptions import SecurityWarning
from structlog import get_logger

from bootstrap import Services
from catalog.database import AWAY
from catalog.importing.jobs import give_back_all
from indexer.machine import worker_name
from indexer.sweeper import hand_back, release_dead, sign_off
from launcher.deployed import Say, patiently, ready
from settings import Settings

log = get_logger("worker")


def run_worker(services: Services, say: Say) -> None:
    """Work until SIGTERM or Ctrl-C; then end what is in hand and nothing more. Ends the process.

    Raises StartRefused for a database that `twirl migrate` has not prepared, StorageRefused for images that
    this machine cannot see.
    The services are closed first: what a task needs is made in the process that runs it, after the fork.
    """
    from indexer.alive import Pulse
    from indexer.celery_app import make_app

    patiently(partial(_begin, services), say)
    services.bell.ring()
    services.close()
    app = make_app(services.settings)
    pulse = Pulse(services.settings.indexing.alive_path)
    signals.heartbeat_sent.connect(pulse.beat, weak=False)
    farewell = Farewell(services.settings)
    signals.worker_shutting_down.connect(farewell.begin, weak=False)
    chosen, queues = services.settings.queue, services.settings.worker_queues
    say(
        f"Worker {os.getpid()}: {', '.join(queues)}; "
        f"{chosen.worker_concurrency} at once ({chosen.worker_pool})"
    )
    worker = _worker(app, queues)
    worker.start()
    pulse.stop()
    raise SystemExit(0 if farewell.begun else worker.exitcode or 0)


def _begin(services: Services) -> None:
    ready(services)
    services.place.check()
    release_dead(services.sessions)  # of an earlier life on this machine


def _worker(app: Any, queues: tuple[str, ...]) -> Any:
    # As root it warns of pickled messages, which we never accept; at its end it threatens to kill tasks.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    celery.apps.worker.safe_say = lambda *_, **__: None
    return app.Worker(
        hostname=f"twirl-{os.getpid()}@{socket.gethostname()}",
        queues=list(queues),
        loglevel="INFO",
        quiet=True,
        optimization="fair",  # a message goes to a process that is free
        without_gossip=True,
        without_mingle=True,
    )


class Farewell:
    """Gives the tasks in hand their time when the worker is told to stop, then hands images and imports back.

    Celery's own soft shutdown sleeps through all of that time in its signal handler, with the tasks long
    done, and then leaves the claims to their lease (ADR 106). So SIGTERM stays the warm shutdown.
    """

    def __init__(self, settings: Settings) -> None:
        self.begun, self._settings = False, settings

    def begin(self, **_: Any) -> None:
        """Start counting. Called in a signal handler, where nothing may be logged."""
        if not self.begun:
            self.begun = True
            threading.Thread(target=self._wait, name="farewell", daemon=True).start()

    def _wait(self) -> None:
        grace_s = self._settings.queue.soft_shutdown_s
        log.info("stopping", seconds=grace_s)
        time.sleep(grace_s)
        pids = [os.getpid()]
        for child in active_children():
            os.kill(child.pid, signal.SIGKILL)
            pids.append(child.pid)
        log.warning("stopped-at-work", seconds=grace_s, handed_back=self._hand_back(pids))
        os._exit(0)

    def _hand_back(self, pids: list[int]) -> int | None:
        """How many images and imports; None when the database is away: then the lease frees them."""
        try:
            sessions = Services(self._settings).sessions
            workers = [worker_name(pid) for pid in pids]
            sign_off(sessions, workers)
            with sessions.begin() as session:
                imports = sum(give_back_all(session, worker) for worker in workers)
            return imports + sum(hand_back(sessions, worker) for worker in workers)
        except AWAY:
            return None


def run_beat(services: Services, say: Say) -> None:
    """Look after the ledger until SIGTERM."""
    from celery.apps.beat import Beat

    from indexer import beat
    from indexer.alive import Pulse
    from indexer.broker import make_broker
    from indexer.celery_app import keep_logging

    patiently(partial(ready, services), say)
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
    services.bell.waiting()  # which says so where Redis does not answer
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until Celery has a handler of its own
    say(f"Beat {os.getpid()}: looks at the ledger every {chosen.sweep_s:g} s")
    try:
        Beat(app=app, quiet=True, scheduler_cls=scheduler, loglevel="WARNING").run()
    finally:
        pulse.stop()
        services.close()
