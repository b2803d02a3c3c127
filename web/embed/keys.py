"""The search keys of the shop, as of a moment ago, and when each was used."""

import threading
import time

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker
from structlog import get_logger

from catalog.search_keys import Key, note_use, search_keys

log = get_logger("web")
FRESH_S = 1.0
NOTED_EVERY_S = 60.0


class Keys:
    """Of one shop. Thread-safe."""

    def __init__(self, sessions: sessionmaker[Session], fresh_s: float = FRESH_S) -> None:
        self.sessions, self.fresh_s = sessions, fresh_s
        self._kept: dict[int, tuple[float, tuple[Key, ...]]] = {}
        self._noted: dict[int, float] = {}
        self._guard = threading.Lock()

    def of(self, merchant_id: int) -> tuple[Key, ...]:
        """The merchant's keys that are good."""
        until, keys = self._kept.get(merchant_id, (0.0, ()))
        if time.monotonic() >= until:
            with self.sessions() as session:
                keys = tuple(search_keys(session, merchant_id))
            self._kept[merchant_id] = (time.monotonic() + self.fresh_s, keys)
        return keys

    def note(self, key: Key) -> None:
        """Write down that it is used, a minute after the last time at the earliest. Never raises."""
        with self._guard:
            if time.monotonic() < self._noted.get(key.id, 0.0):
                return
            self._noted[key.id] = time.monotonic() + NOTED_EVERY_S
        try:
            with self.sessions.begin() as session:
                note_use(session, key.id)
        except SQLAlchemyError as error:  # a search must not fail for it
            log.warning("key-use-not-noted", cause=repr(error)[:200])
