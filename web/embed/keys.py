"""Search keys as of a moment ago, and when each was used."""

import threading
import time

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker
from structlog import get_logger

from catalog.programs.search_keys import Key, bound_origins, find_search_key, note_use

log = get_logger("web")
FRESH_S = 1.0
NOTED_EVERY_S = 60.0
MOST = 1000  # keys that are remembered


class Keys:
    """Of all shops: a key says whose it is. Thread-safe."""

    def __init__(self, sessions: sessionmaker[Session], fresh_s: float = FRESH_S) -> None:
        self.sessions, self.fresh_s = sessions, fresh_s
        self._found: dict[str, tuple[float, Key]] = {}
        self._origins: tuple[float, frozenset[str]] = (0.0, frozenset())
        self._noted: dict[int, float] = {}
        self._guard = threading.Lock()

    def find(self, shown: str) -> Key | None:
        """The good key that this is, or None."""
        until, key = self._found.get(shown, (0.0, None))
        if key is None or time.monotonic() >= until:
            with self.sessions() as session:
                key = find_search_key(session, shown)
            self._remember(shown, key)
        return key

    def origins(self) -> frozenset[str]:
        """Whose pages have a good key."""
        until, origins = self._origins
        if time.monotonic() >= until:
            with self.sessions() as session:
                origins = bound_origins(session)
            self._origins = time.monotonic() + self.fresh_s, origins
        return origins

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

    def _remember(self, shown: str, key: Key | None) -> None:
        """Only good keys: what is none is asked for anew, and fills no memory."""
        with self._guard:
            if key is None:
                self._found.pop(shown, None)
                return
            if len(self._found) >= MOST:
                self._found.clear()
            if shown not in self._found:
                self._origins = (0.0, frozenset())  # its pages may be asked about next
            self._found[shown] = time.monotonic() + self.fresh_s, key
