"""The beat: looks at the ledger every few seconds and rings for what is due, whatever became of the messages.

It works on SQL alone and sends what takes longer to the workers. Two beats ring twice, which a queue that
has a message ignores; a message that is lost is rung for again at the next look.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from celery import Celery
from celery.beat import ScheduleEntry, Scheduler
from structlog import get_logger

from catalog.importing import jobs as import_jobs
from catalog.importing.schedules import any_due
from catalog.site import read_site
from indexer import sweeper
from indexer.alive import Pulse
from indexer.checking import checks_due
from indexer.claims import Claims, Sessions
from indexer.machine import is_gone
from indexer.queue import STAGES, CeleryBell
from indexer.webhooks import Messenger
from indexer.workshop import MORE, OUTAGES

log = get_logger("beat")
LOOK_S = 1.0  # at most, between two looks at the schedule
TIDY_S, GARBAGE_S = 15.0, 3600.0

Rounds = Mapping[str, Callable[[], Any]]


class Sweep:
    """One look at the ledger: claims of the dead are freed, and every queue with due work is rung for."""

    def __init__(self, sessions: Sessions, bell: CeleryBell, lease_s: float) -> None:
        self.sessions, self.bell, self.lease_s = sessions, bell, lease_s
        self._claims = Claims(sessions, "beat:0")
        self._messenger = Messenger(sessions)

    def __call__(self) -> None:
        """Look once. Raises one of AWAY while the database is away."""
        released = sweeper.release_stale(self.sessions, self.lease_s)
        due = [stage for stage in STAGES if self._claims.due(stage)]
        if "images" not in due and checks_due(self.sessions):
            due.append("images")
        if any(index.state == "filling" for index in read_site(self.sessions).maintained):
            due.append("maintenance")
        self.bell.call(*due, wanted=MORE)
        import_jobs.release_gone(self.sessions, is_gone)  # the lease frees those of other machines
        with self.sessions() as session:
            if import_jobs.due(session) or any_due(session):
                self.bell.post("maintenance", "twirl.imports")
        if self._messenger.due():
            self.bell.post("images", "twirl.webhooks")
        if released:
            log.info("released", images=released)
        log.debug("swept", due=due)


def rounds(sweep: Sweep) -> Rounds:
    """What is done by name; what may take long is sent to the workers."""
    return {
        "sweep": sweep,
        "tidy": lambda: sweep.bell.post("maintenance", "twirl.tidy"),
        "garbage": lambda: sweep.bell.post("maintenance", "twirl.garbage"),
    }


def schedule(sweep_s: float) -> dict[str, dict[str, Any]]:
    """How often, in seconds."""
    return {
        "sweep": {"task": "twirl.sweep", "schedule": sweep_s},
        "tidy": {"task": "twirl.tidy", "schedule": max(TIDY_S, sweep_s)},
        "garbage": {"task": "twirl.garbage", "schedule": GARBAGE_S},
    }


class LedgerScheduler(Scheduler):  # type: ignore[misc]
    """Celery's scheduler over our own rounds. When each was last done is kept in a JSON file.

    Celery's own persistent scheduler pickles into a database file that two beats cannot share.
    """

    def __init__(self, app: Celery, *, rounds: Rounds, kept: Path, pulse: Pulse, **options: Any) -> None:
        self.rounds, self.kept, self.pulse = rounds, kept, pulse
        options["max_interval"] = LOOK_S
        super().__init__(app, **options)

    @property
    def producer(self) -> None:
        """None: the bell sends, and never waits for a broker that is away."""

    def setup_schedule(self) -> None:
        """Take the schedule from the options, and when each round was last done from the file."""
        self.merge_inplace(self.app.conf.beat_schedule)
        for name, at in _read(self.kept).items():
            if name in self.schedule:
                self.schedule[name].last_run_at = at

    @property
    def schedule(self) -> dict[str, ScheduleEntry]:
        """The entries by name."""
        return self.data  # type: ignore[no-any-return]

    def tick(self, *args: Any, **options: Any) -> float:
        """Do what is due; seconds until the next look."""
        self.pulse.beat()
        self._follow_the_clock()
        return float(super().tick(*args, **options))

    def _follow_the_clock(self) -> None:
        """Count anew where the clock has been set back: else nothing is due until it has caught up."""
        ahead = [each for each in self.schedule.values() if each.last_run_at > each.default_now()]
        for each in ahead:
            each.last_run_at = each.default_now()
        if ahead:
            log.warning("clock-set-back", rounds=[each.name for each in ahead])
            self._heap = None  # Celery's order of what is due next, by the same clock

    def apply_entry(self, entry: ScheduleEntry, producer: object = None) -> None:
        """Do one round. An outage is for the next look; a round never ends the beat."""
        try:
            self.rounds[entry.name]()
        except OUTAGES as error:
            log.warning("waiting", round=entry.name, reason=str(error)[:200])
        except Exception as error:
            log.error("round-failed", round=entry.name, exc_info=error)
        if entry.name != "sweep":
            self.sync()

    def sync(self) -> None:
        """Keep when each round was last done."""
        said = {name: entry.last_run_at.isoformat() for name, entry in self.schedule.items()}
        beside = self.kept.with_suffix(".new")
        try:
            beside.write_text(json.dumps(said))
            beside.replace(self.kept)
        except OSError as error:  # the rounds go on; after a restart some come early
            log.warning("schedule-not-kept", path=str(self.kept), reason=error.strerror)


def _read(path: Path) -> dict[str, datetime]:
    """When each round was last done; nothing where the file is missing, damaged or of the future."""
    try:
        said = {str(name): datetime.fromisoformat(at) for name, at in json.loads(path.read_text()).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
    return {name: at for name, at in said.items() if at.tzinfo is not None and at <= datetime.now(UTC)}
