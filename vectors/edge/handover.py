"""An incumbent's side of a handover: hold writes, keep them for the successor, and forget it when it goes.

Everything but `wait` is called in the shard's turn. One successor at a time: the orders of any other peer are
refused, so what a dead one leaves behind can never touch the next.
"""

import logging
import threading
from pathlib import Path

from vectors.edge.frames import Header
from vectors.edge.journal import Journal
from vectors.edge.serving import Peer
from vectors.protocol import VectorsRefused, VectorStoreUnavailable

log = logging.getLogger(__name__)


class Handover:
    """Who the successor is, whether writes are held for it, and what it has yet to see."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._released = threading.Condition()
        self._successor: Peer | None = None
        self._journal: Journal | None = None
        self.held = False

    @property
    def active(self) -> bool:
        """Whether a successor is at work."""
        return self._successor is not None

    def hold(self, peer: Peer) -> None:
        """Writes wait from now on: what is on disk stays as it is."""
        if self._successor is None:
            self._successor = peer
        self._check(peer)
        self.held = True

    def follow(self, peer: Peer) -> None:
        """Writes go on, and each is kept for the successor as well."""
        self._check(peer)
        self._journal = Journal(self._folder)
        self.release()

    def keep(self, header: Header, body: bytearray) -> None:
        """A write was applied: the successor is to see it, or to give up."""
        if self._journal is None:
            return
        try:
            self._journal.append(header, body)
        except OSError as error:  # no room on disk: the write stands here, so the successor must not follow
            log.warning("gave up a successor: %s", error)
            self._forget()

    def pop(self, peer: Peer) -> tuple[Header, bytes, int] | None:
        """The oldest write that the successor has not seen, and how many are left after it."""
        self._check(peer)
        entry = self._journal.pop() if self._journal is not None else None
        return None if entry is None or self._journal is None else (*entry, len(self._journal))

    def check_complete(self, peer: Peer) -> None:
        """Refuse to hand over while writes go on, or while the successor has not seen all of them."""
        self._check(peer)
        if not self.held or self._journal is None or len(self._journal):
            raise _unexpected("It has not seen every write.")

    def leave(self, peer: Peer) -> None:
        """The peer hung up: if it was the successor, writes go on and nothing more is kept."""
        if self._successor is peer:
            self._forget()

    def release(self) -> None:
        """Let writes go on."""
        with self._released:
            self.held = False
            self._released.notify_all()

    def wait(self, timeout_s: float) -> None:
        """Until writes are released; not in the shard's turn."""
        with self._released:
            if not self._released.wait_for(lambda: not self.held, timeout_s):
                raise VectorStoreUnavailable("vectors-held", "Writes are held by a handover.", "Try again.")

    def _forget(self) -> None:
        journal = self._journal
        self._successor = self._journal = None
        self.release()
        if journal is not None:
            journal.close()

    def _check(self, peer: Peer) -> None:
        if self._successor is not peer:
            raise _unexpected("Another one is at work, or this one was given up.")


def _unexpected(message: str) -> VectorsRefused:
    return VectorsRefused("vectors-handover", f"This successor is not expected. {message}", "Start another.")
