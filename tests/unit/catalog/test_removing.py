"""What is no longer in the feed, and what an import would do."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from catalog.database import Sessions
from catalog.importing.imports import ImportSummary, import_feed
from catalog.importing.rehearsal import Rehearsal, rehearse
from catalog.importing.removing import Removal
from catalog.models import Image, ImportJob, Product, RowError
from catalog.storage.folders import FolderIncoming

HEAD = "id,title,image_link,price\n"
ROWS = [f"{n},Dress {n},https://img.example/{n}.jpg,{n}.00 USD\n" for n in range(1, 11)]


class Feeds:
    def __init__(self, ledger: Sessions, merchant_id: int, folder: Path) -> None:
        self.ledger, self.id, self.folder = ledger, merchant_id, folder

    def path(self, rows: list[str], head: str = HEAD) -> Path:
        path = self.folder / "feed.csv"
        path.write_text(head + "".join(rows))
        return path

    def load(self, rows: list[str], removal: Removal = Removal.NONE) -> ImportSummary:
        incoming = FolderIncoming(self.folder / "incoming")
        return import_feed(self.ledger, self.id, self.path(rows), None, incoming, removal=removal)

    def rehearse(self, rows: list[str], removal: Removal = Removal.NONE) -> Rehearsal:
        return rehearse(self.ledger, self.id, self.path(rows), None, removal)

    def live(self) -> set[str]:
        mine = select(Product.sku).where(Product.merchant_id == self.id, Product.deleted_at.is_(None))
        with self.ledger() as session:
            return set(session.scalars(mine))


@pytest.fixture
def feeds(ledger: Sessions, shop: int, tmp_path: Path) -> Feeds:
    made = Feeds(ledger, shop, tmp_path)
    made.load(ROWS)
    return made


def skus(*numbers: int) -> set[str]:
    return {str(number) for number in numbers}


def test_without_being_asked_nothing_is_removed(feeds: Feeds) -> None:
    assert feeds.load(ROWS[:2]).removed == 0
    assert feeds.live() == skus(*range(1, 11))


def test_what_is_not_in_the_feed_goes(feeds: Feeds) -> None:
    summary = feeds.load(ROWS[:7], Removal.GUARDED)
    assert (summary.removed, summary.unchanged, summary.kept_because) == (3, 7, "")
    assert feeds.live() == skus(*range(1, 8))
    gone = select(Image).join(Product).where(Product.deleted_at.is_not(None))
    with feeds.ledger() as session:  # the indexer takes their points out
        assert {(image.state, image.queue) for image in session.scalars(gone)} == {("queued", "index")}


def test_a_refused_row_is_in_the_feed_all_the_same(feeds: Feeds) -> None:
    bad = "3,Dress 3,https://img.example/3.jpg,cheap\n"
    summary = feeds.load([*ROWS[:2], bad, *ROWS[3:9]], Removal.GUARDED)
    assert (summary.removed, summary.refused) == (1, 1)
    assert feeds.live() == skus(*range(1, 10))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (ROWS[:4], "6 of 10 products"),
        ([], "no row of the feed"),
        (["1,Dress,https://img.example/1.jpg,cheap\n"], "no row of the feed"),
        ([*ROWS[:8], '"9,Dress 9\n'], "of 1 rows it cannot be read"),
        ([*ROWS[:8], ",Dress 9,https://img.example/9.jpg,1\n"], "of 1 rows it cannot be read"),
    ],
)
def test_a_feed_that_looks_broken_removes_nothing(feeds: Feeds, rows: list[str], words: str) -> None:
    summary = feeds.load(rows, Removal.GUARDED)
    assert summary.removed == 0 and words in summary.kept_because
    assert feeds.live() == skus(*range(1, 11))
    with feeds.ledger() as session:
        assert words in session.get_one(ImportJob, summary.job_id).message


def test_even_most_of_a_shop_goes_when_that_is_said(feeds: Feeds) -> None:
    assert feeds.load(ROWS[:1], Removal.EVEN_MOST).removed == 9
    assert feeds.live() == skus(1)


def test_another_merchants_products_stay(feeds: Feeds) -> None:
    from catalog.products import ensure_merchant

    with feeds.ledger.begin() as session:
        other = ensure_merchant(session, "other").id
    Feeds(feeds.ledger, other, feeds.folder).load(["77,Hat,https://img.example/h.jpg,1 USD\n"])
    feeds.load(ROWS[:6], Removal.GUARDED)
    assert Feeds(feeds.ledger, other, feeds.folder).live() == {"77"}


def test_a_rehearsal_says_what_an_import_then_does(feeds: Feeds) -> None:
    rows = [
        *ROWS[:6],
        ROWS[6].replace("7.00", "8.00"),
        "11,Coat,https://img.example/11.jpg,5\n",
        "12,,no.jpg,cheap\n",
        "13,Scarf,missing.jpg,5\n",
    ]
    would = feeds.rehearse(rows, Removal.GUARDED)
    with feeds.ledger() as session:
        assert session.scalar(select(func.count(RowError.id))) == 0
        assert session.scalar(select(func.count(ImportJob.id))) == 1
    assert feeds.live() == skus(*range(1, 11))
    summary = feeds.load(rows, Removal.GUARDED)
    names = ("rows", "created", "updated", "unchanged", "refused", "removed")
    said = [getattr(would, name) for name in names]
    assert said == [10, 1, 1, 6, 2, 3] == [getattr(summary, name) for name in names]
    assert would.codes == {"required": 1, "price-invalid": 1, "image-missing": 1}
    assert {(fault.row, fault.code) for fault in would.faults} == {
        (10, "required"), (10, "price-invalid"), (11, "image-missing"),
    }  # fmt: skip
