"""Writes that happen while a successor builds, in order, in a file without a name: memory stays flat."""

import contextlib
import tempfile
from pathlib import Path

from vectors.edge.frames import Header, decode, encode


class Journal:
    """First in, first out. Not safe between threads."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it closes with the journal
        self._lengths: list[int] = []
        self._next, self._read_at, self._write_at = 0, 0, 0

    def __len__(self) -> int:
        return len(self._lengths) - self._next

    def append(self, header: Header, body: bytes | bytearray) -> None:
        """Keep one write."""
        frame = encode(header, body)
        self._file.seek(self._write_at)
        self._file.write(frame)
        self._write_at += len(frame)
        self._lengths.append(len(frame))

    def pop(self) -> tuple[Header, bytes] | None:
        """The oldest write, or None."""
        if not len(self):
            return None
        length = self._lengths[self._next]
        self._file.seek(self._read_at)
        frame = self._file.read(length)
        self._read_at += length
        self._next += 1
        return decode(frame)

    def close(self) -> None:
        """Give the disk back."""
        with contextlib.suppress(OSError):  # what the buffer still held found no room: nobody will read it
            self._file.close()
