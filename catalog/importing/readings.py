"""Feeds as imports read them: an operator's own in this process, what strangers gave in a child."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from catalog.feeds import FeedShape, currency_in, read_feed, survey_feed
from catalog.feeds.pictures import Pictures, open_pictures
from catalog.importing.batching import Item, batches
from catalog.importing.feed_process import LIMITS, FeedLimits, FeedProcess


class Reading(Protocol):
    """An opened feed, before its first row."""

    @property
    def rows(self) -> int:
        """How many there are, an estimate."""

    @property
    def currency(self) -> str:
        """What its prices are in: the shop's, or the feed's where the shop has none; "" where none says."""

    @property
    def pictures(self) -> Pictures:
        """What came beside the feed."""

    def batches(self) -> Iterator[list[Item]]:
        """Its rows, some at a time, always in the same way. Raises FeedRefused."""


@dataclass(frozen=True)
class _Here:
    shape: FeedShape
    currency: str
    pictures: Pictures

    @property
    def rows(self) -> int:
        return self.shape.rows

    def batches(self) -> Iterator[list[Item]]:
        return batches(read_feed(self.shape.path, self.currency, self.shape))


@dataclass(frozen=True)
class _Apart:
    child: FeedProcess

    @property
    def rows(self) -> int:
        return self.child.rows

    @property
    def currency(self) -> str:
        return self.child.currency

    @property
    def pictures(self) -> Pictures:
        return self.child

    def batches(self) -> Iterator[list[Item]]:
        return self.child.batches()


@contextmanager
def read_here(
    feed: Path, images: Path | None, currency: str, mapping: Mapping[str, str] | None = None
) -> Iterator[Reading]:
    """Read in this process; `images` is a folder or a ZIP archive. Raises FeedRefused.

    `currency` is the shop's, "" where it has none yet.
    """
    shape = survey_feed(feed, mapping)
    with open_pictures(images) as pictures:
        yield _Here(shape, currency or currency_in(shape), pictures)


@contextmanager
def read_apart(
    feed: Path,
    images: Path | None,
    currency: str,
    mapping: Mapping[str, str] | None = None,
    limits: FeedLimits = LIMITS,
) -> Iterator[Reading]:
    """Read in a child process with limits; `images` is a ZIP archive. Raises FeedRefused."""
    with FeedProcess(feed, images, limits) as child:
        child.open(currency, mapping or {})
        yield _Apart(child)
