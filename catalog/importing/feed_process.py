"""A feed that strangers gave, read in a child process with limits: one that is hostile ends the child only.

with FeedProcess(feed, archive) as child:
    child.open("EUR", mapping)
    for items in child.batches(): ...
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.child_process import ChildDied, ChildProcess, ChildUnavailable
from catalog.feeds.pictures import PictureMissing
from catalog.importing.batching import Item
from catalog.importing.feed_child import HEAD, LENGTH
from catalog.pictures.decoding import ImageRefused
from catalog.records import FeedRefused, ProductRecord, RowFault

__all__ = ["FeedLimits", "FeedProcess", "ReaderUnavailable"]


class ReaderUnavailable(ChildUnavailable):
    """The child cannot be started: a fault of this machine or its settings, not of a feed."""


@dataclass(frozen=True)
class FeedLimits:
    """What reading one feed may take."""

    memory_mb: int = 1024  # of address space
    cpu_seconds: int = 120  # of each answer: the whole file is looked through for the first
    timeout_s: float = 300.0  # of each answer, by the clock


LIMITS = FeedLimits()


class FeedProcess(ChildProcess):
    """A child over one feed. It is `Pictures` too, those of the archive beside the feed."""

    MODULE, UNAVAILABLE, WHAT = "catalog.importing.feed_child", ReaderUnavailable, "feed reader"

    def __init__(self, feed: Path, pictures: Path | None = None, limits: FeedLimits = LIMITS) -> None:
        self._limits = limits
        self.rows = 0  # in all, an estimate, once it is open
        self.vendor = ""
        self.currency = ""  # the shop's, or what the feed's first price names
        words = [str(limits.cpu_seconds), str(feed.resolve())]
        super().__init__(limits.memory_mb, *words, *([str(pictures.resolve())] if pictures else []))

    def look(self) -> dict[str, Any]:
        """What the feed seems to be: `catalog.feeds.look.Look` as JSON. Raises FeedRefused."""
        return dict(self._ask({"do": "look"})[0]["look"])

    def open(self, currency: str, mapping: Mapping[str, str]) -> None:
        """Survey the feed and stand before its first row. Raises FeedRefused."""
        header, _ = self._ask({"do": "open", "currency": currency, "mapping": dict(mapping)})
        self.rows, self.vendor = int(header["rows"]), str(header["vendor"])
        self.currency = str(header["currency"])

    def batches(self) -> Iterator[list[Item]]:
        """The rows, some at a time. Raises FeedRefused where reading on is not possible."""
        while True:
            header, body = self._ask({"do": "next"})
            if not header["more"]:
                return
            yield [_item(is_fault, said) for is_fault, said in json.loads(body)]

    def read(self, name: str) -> bytes:
        """A picture's bytes. Raises PictureMissing, ImageRefused."""
        return self._ask({"do": "picture", "name": name})[1]

    def errors(self, faults: Iterable[RowFault]) -> bytes:
        """The file of errors: the rows with faults, to be mended. Raises FeedRefused."""
        names = ("row", "column", "code", "message")
        said = [{name: getattr(fault, name) for name in names} for fault in faults]
        return self._ask({"do": "errors", "faults": said})[1]

    def close(self) -> None:
        """End the child."""
        self.forget()
        self.kill()

    def __enter__(self) -> "FeedProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, question: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        try:
            header, body = self._exchange(question)
        except ChildDied as death:
            raise (_too_long() if death.over_limit else _deadly()) from None
        if "refused" in header:
            raise FeedRefused(*header["refused"])
        if "image" in header:
            raise ImageRefused(*header["image"])
        if "missing" in header:
            raise PictureMissing(header["missing"])
        if "large" in header:
            raise _too_large()
        if "broken" in header:
            raise FeedRefused("feed-broken", f"The feed cannot be read ({header['broken']}).", _ANEW)
        return header, body

    def _exchange(self, question: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        deadline = time.monotonic() + self._limits.timeout_s
        text = json.dumps(question).encode()
        try:
            self._send((LENGTH.pack(len(text)) + text,), deadline)
            lengths = HEAD.unpack(self._receive(HEAD.size, deadline))
            header = json.loads(bytes(self._receive(lengths[0], deadline)))
            return header, bytes(self._receive(lengths[1], deadline))
        except TimeoutError:
            self.kill()
            raise ChildDied(late=True, returncode=None) from None
        except (OSError, ValueError):  # a closed pipe; ours is closed once the child was ended
            raise ChildDied(late=False, returncode=self.kill()) from None


_ANEW = "Export it again, as CSV (UTF-8); split it where it is very large."


def _item(is_fault: bool, said: dict[str, Any]) -> Item:
    if is_fault:
        return RowFault(**said)
    return ProductRecord(**{**said, "images": tuple(said["images"])})


def _too_long() -> FeedRefused:
    return FeedRefused("feed-too-complex", "Reading the feed takes too long.", _ANEW)


def _too_large() -> FeedRefused:
    return FeedRefused("feed-too-complex", "Reading the feed takes too much memory.", _ANEW)


def _deadly() -> FeedRefused:
    return FeedRefused("feed-reader-died", "The feed's reader stops working on this feed.", _ANEW)
