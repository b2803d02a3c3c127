"""The rulebooks in force, read again when a newer one is published: a look a second, none while one waits."""

import threading
import time
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker
from structlog import get_logger

from catalog.rulebooks import rulebook, version_in_force
from searcher.merchandising.reading import RulesRefused, read_rulebook
from searcher.merchandising.rulebook import Rulebook

log = get_logger("searcher")


@dataclass
class _Kept:
    rulebook: Rulebook
    look_at: float


class Rulebooks:
    """Of every merchant. Thread-safe. With `look_every_s` 0 no answer is older than the ledger."""

    def __init__(self, sessions: sessionmaker[Session], look_every_s: float) -> None:
        self.sessions, self.look_every_s = sessions, look_every_s
        self._kept: dict[int, _Kept] = {}
        self._guard = threading.Lock()

    def of(self, merchant_id: int) -> Rulebook:
        """The merchant's, as of a moment ago."""
        kept = self._kept.get(merchant_id)
        if kept is not None and time.monotonic() < kept.look_at:
            return kept.rulebook
        if not self._guard.acquire(blocking=kept is None):  # another thread looks: the old one will do
            return kept.rulebook if kept else Rulebook()
        try:
            found = self._read(merchant_id, kept.rulebook if kept else Rulebook())
            self._kept[merchant_id] = _Kept(found, time.monotonic() + self.look_every_s)
            return found
        finally:
            self._guard.release()

    def _read(self, merchant_id: int, had: Rulebook) -> Rulebook:
        with self.sessions() as session:
            if version_in_force(session, merchant_id) == had.version:
                return had
            newest = rulebook(session, merchant_id)
        try:
            return read_rulebook(newest.content, newest.version)
        except RulesRefused as error:  # written by another release: searches go on, by the rules before
            log.error("rules-not-read", merchant=merchant_id, version=newest.version, reason=str(error))
            return had
