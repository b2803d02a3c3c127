"""The deployed shape: what is checked before one of its processes starts, and waiting for its workers."""

import time
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from bootstrap import Services
from catalog.clock import instant
from catalog.database import AWAY, is_current
from catalog.operations import Worker
from catalog.site import read_site
from launcher.preflight import StartRefused, check_folder
from launcher.refusals import explain, passes

Say = Callable[[str], None]
HEARD_S = 60.0  # a worker says so more often
PATIENCE_S = 90.0  # for a first worker to be heard of
START_S, AGAIN_S = 60.0, 1.0  # how long a process that starts waits for the database, and between two looks


def check_deployed(services: Services, command: str) -> None:
    """Refuse a command of the deployed shape without its settings. Raises StartRefused."""
    if not services.deployed:
        raise StartRefused(
            f"`twirl {command}` belongs to the deployed shape, and TWIRL_REDIS_URL is not set.",
            "set TWIRL_REDIS_URL, TWIRL_DATABASE_URL and TWIRL_QDRANT_URL; "
            "on one machine `twirl serve` needs none of them",
        )


def check_embedded(services: Services, command: str) -> None:
    """Refuse a command that would start what runs elsewhere in the deployed shape. Raises StartRefused."""
    if services.deployed:
        raise StartRefused(
            f"TWIRL_REDIS_URL is set: in the deployed shape there is no `twirl {command}`.",
            "run `twirl migrate` once, then `twirl web`, `twirl worker` and `twirl beat`, each as often as "
            "you like; or leave TWIRL_REDIS_URL out",
        )


def ready(services: Services) -> None:
    """Make the folders, and look whether database and images are what they must be.

    Raises StartRefused for a database that `twirl migrate` has not prepared, StorageRefused for images that
    this machine cannot see.
    """
    check_folder(services.data)
    for name in ("run", "photos"):
        (services.data / name).mkdir(parents=True, exist_ok=True)
    if not is_current(services.database) or read_site(services.sessions).live is None:
        raise StartRefused(
            "The database has not been prepared for this version of Twirl.", "run `twirl migrate` first"
        )
    _ = services.blobs


def patiently(start: Callable[[], object], say: Say, patience_s: float = START_S) -> None:
    """Do what a process that stays does first; again while the database is away, as it is when it restarts.

    What waiting does not mend, such as a wrong password, is raised at once, and all else after `patience_s`.
    """
    until, said = time.monotonic() + patience_s, False
    while True:
        try:
            start()
            return
        except AWAY as error:
            if not passes(error) or time.monotonic() > until:
                raise
            if not said:
                say(f"Waiting for at most {patience_s:g} s: {(explain(error) or '').partition(chr(10))[0]}")
            said = True
        time.sleep(AGAIN_S)


class Attendance:
    """Knows whether anybody works: nobody may wait for ever for workers that were never started."""

    def __init__(self, sessions: sessionmaker[Session], patience_s: float = PATIENCE_S) -> None:
        self._sessions, self._patience_s = sessions, patience_s
        self._heard = time.monotonic()
        self._asked = float("-inf")

    def look(self) -> None:
        """Ask now and then. Raises StartRefused after `patience_s` without a worker."""
        if time.monotonic() - self._asked < self._patience_s / 20:
            return
        self._asked = time.monotonic()
        with self._sessions() as session:
            heard = Worker.seen_at > instant(session) - timedelta(seconds=HEARD_S)
            lately = select(Worker.id).where(heard).limit(1)
            if session.scalar(lately) is not None:
                self._heard = self._asked
        if self._asked - self._heard > self._patience_s:
            raise StartRefused(
                "No worker has been heard of. What was imported is kept and waits.",
                "start one: twirl worker; and `twirl beat` once",
            )
