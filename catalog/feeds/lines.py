"""The lines of a feed, one at a time, none longer than a limit."""

from collections.abc import Iterator
from typing import TextIO

MAX_LINE = 200_000  # characters; a longer line is a fault of its row and is never held whole


class LineTooLong(Exception):
    """A line over the limit was skipped; `start` is how it began."""

    def __init__(self, start: str) -> None:
        super().__init__("line too long")
        self.start = start


class Lines:
    """Iterates over a text file's lines without NULs; lines can be pushed back to be read again.

    `next` raises LineTooLong for a line over `limit` characters, and goes on behind it.
    """

    def __init__(self, file: TextIO, limit: int) -> None:
        self._file = file
        self._limit = limit
        self._back: list[str] = []  # in reverse

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._back:
            return self._back.pop()
        line = self._file.readline(self._limit + 1)
        if not line:
            raise StopIteration
        if len(line) > self._limit and not line.endswith(("\n", "\r")):
            self._skip_rest()
            raise LineTooLong(line[:200])
        return line.replace("\0", "") if "\0" in line else line

    def push_back(self, lines: list[str]) -> None:
        """Give `lines` again, in their order, before the rest of the file."""
        self._back.extend(reversed(lines))

    def _skip_rest(self) -> None:
        while (part := self._file.readline(self._limit)) and not part.endswith(("\n", "\r")):
            pass
