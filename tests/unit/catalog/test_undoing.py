"""Taking an import back: products, their pictures' bytes, what was edited since; on both databases."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from catalog.database import Sessions, open_engine, sessions, upgrade
from catalog.importing.imports import ImportSummary, begin_job, import_feed
from catalog.importing.removing import Removal
from catalog.importing.tables import ImportBefore, ImportBeforeImage, ImportRow
from catalog.importing.undoing import Undoable, undo, undoable
from catalog.models import Image, ImportJob, Product
from catalog.products import (
    delete_product,
    ensure_merchant,
    find_product,
    hide_product,
    purge_product,
    save_product,
)
from catalog.records import ProductRecord
from catalog.storage.blobs import SIZES
from catalog.storage.folders import FolderBlobs, FolderIncoming
from indexer.sweeper import collect_garbage
from tests.support.postgres import fresh, postgres

HEAD = "id,title,image_link,price,color\n"
RENDITIONS = dict.fromkeys(SIZES, b"webp")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as uri:
        yield uri


class Shop:
    """A merchant whose images count as decoded as soon as they are imported."""

    def __init__(self, ledger: Sessions, folder: Path) -> None:
        self.ledger, self.folder = ledger, folder
        self.incoming, self.blobs = FolderIncoming(folder / "incoming"), FolderBlobs(folder / "blobs")
        with ledger.begin() as session:
            self.id = ensure_merchant(session, "demo", currency="USD").id
        (folder / "blobs").mkdir()

    def load(self, feed: str, removal: Removal = Removal.NONE) -> ImportSummary:
        path = self.folder / "feed.csv"
        path.write_text(HEAD + feed)
        summary = import_feed(self.ledger, self.id, path, self.folder, self.incoming, removal=removal)
        self.decode()
        return summary

    def load_product(self, sku: str) -> None:
        """Save a product by hand."""
        record = ProductRecord(sku=sku, title="By hand", images=("https://i.example/x.jpg",))
        with self.ledger.begin() as session:
            save_product(session, self.id, record)

    def picture(self, name: str, color: int) -> str:
        data = b"\xff\xd8\xff" + bytes([color]) * 50
        (self.folder / name).write_bytes(data)
        return hashlib.sha256(data).hexdigest()

    def decode(self) -> None:
        """What the indexer does, without its pixels."""
        with self.ledger.begin() as session:
            for image in session.scalars(select(Image).where(Image.state == "queued")):
                if image.sha256 is None:
                    said = image.source.removeprefix("incoming:")
                    image.sha256 = said if len(said) == 64 else hashlib.sha256(said.encode()).hexdigest()
                    image.width = image.height = 10
                    self.blobs.put(image.sha256, RENDITIONS)
                image.state, image.fingerprint = "live", "f"
        for sha256 in list(self.incoming):
            self.incoming.delete(sha256)

    def undo(self, even_edited: bool = False) -> ImportSummary:
        with self.ledger.begin() as session:
            found = undoable(session, self.id)
            assert found is not None
            summary = ImportSummary(begin_job(session, self.id, "undo", "undo").id)
        undo(self.ledger, self.id, found.job_id, summary, even_edited)
        return summary

    def undoable(self) -> Undoable:
        with self.ledger() as session:
            found = undoable(session, self.id)
            assert found is not None
            return found

    def titles(self) -> dict[str, str]:
        with self.ledger() as session:
            there = select(Product).where(Product.deleted_at.is_(None)).order_by(Product.sku)
            return {each.sku: each.title for each in session.scalars(there)}

    def shown(self, sku: str) -> list[tuple[str, str | None, str]]:
        with self.ledger() as session:
            found = find_product(session, self.id, sku)
            assert found is not None
            return [(image.source, image.sha256, image.queue) for image in found.images]


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    url = f"sqlite:///{tmp_path}/twirl.sqlite3"
    if request.param == "postgresql":
        url = fresh(request.getfixturevalue("server"), "undoing")
    engine = open_engine(url)
    upgrade(engine)
    yield Shop(sessions(engine), tmp_path)
    engine.dispose()


def test_an_import_is_taken_back_with_its_pictures(shop: Shop) -> None:
    old, new = shop.picture("a.jpg", 1), shop.picture("b.jpg", 2)
    shop.load("1,Dress,a.jpg,10,red\n2,Hat,b.jpg,20,blue\n3,Coat,https://i.example/c.jpg,30,\n")
    before = shop.titles()
    hashes = content_hashes(shop)
    shop.load("1,Frock,b.jpg,11,red\n2,Hat,b.jpg,20,blue\n4,Shoe,b.jpg,40,\n", Removal.GUARDED)
    assert shop.titles() == {"1": "Frock", "2": "Hat", "4": "Shoe"}
    collect_garbage(shop.ledger, shop.blobs, shop.incoming, age_s=0)
    assert shop.undoable().conflicts == () and shop.undoable().edited == 0
    assert (shop.undoable().created, shop.undoable().updated, shop.undoable().removed) == (1, 1, 1)
    summary = shop.undo()
    assert (summary.created, summary.updated, summary.removed, summary.refused) == (1, 1, 1, 0)
    assert shop.titles() == before and content_hashes(shop) == hashes
    assert shop.shown("1") == [(f"incoming:{old}", old, "embed")]  # its bytes were kept, and none is fetched
    assert shop.blobs.has(old) and shop.blobs.has(new)
    with shop.ledger() as session:
        red = session.scalars(select(Product).where(Product.sku == "1")).one()
        assert (red.price_minor, red.colour) == (1000, "red")
        assert session.scalar(select(func.count(ImportBefore.id))) == 0
        assert session.scalar(select(func.count(ImportBeforeImage.id))) == 0
        fates = {each.sku: each.outcome for each in session.scalars(rows_of(summary.job_id))}
        undone = session.scalars(select(ImportJob.undone_at).order_by(ImportJob.id)).all()
    assert fates == {"1": "updated", "3": "created", "4": "removed"}
    assert [at is not None for at in undone] == [False, True, False]
    again = shop.load("1,Dress,a.jpg,10,red\n2,Hat,b.jpg,20,blue\n3,Coat,https://i.example/c.jpg,30,\n")
    assert (again.unchanged, again.updated, again.created) == (3, 0, 0)


def rows_of(job_id: int):  # type: ignore[no-untyped-def]
    return select(ImportRow).where(ImportRow.job_id == job_id)


def content_hashes(shop: Shop) -> dict[str, str]:
    with shop.ledger() as session:
        return {
            each.sku: each.content_hash
            for each in session.scalars(select(Product).where(Product.deleted_at.is_(None)))
        }


def test_what_was_edited_since_is_listed_and_left(shop: Shop) -> None:
    shop.picture("a.jpg", 1)
    shop.load("".join(f"{n},Dress {n},a.jpg,1,\n" for n in range(6)))
    shop.load(
        "".join(f"{n},Frock {n},a.jpg,1,\n" for n in range(4)) + "7,New,a.jpg,1,\n8,New,a.jpg,1,\n",
        Removal.GUARDED,
    )
    with shop.ledger.begin() as session:
        hide_product(session, shop.id, "1")  # changed
        delete_product(session, shop.id, "2")  # changed, and gone
        hide_product(session, shop.id, "7")  # made
        delete_product(session, shop.id, "8")  # made, and gone: nothing is lost
        dead = session.scalars(select(Product).where(Product.sku == "5")).one()
        purge_product(session, dead.id, dead.rev)  # removed, and out of the ledger
    shop.load_product("4")
    found = shop.undoable()
    assert found.edited == 4 and {sku for sku, _ in found.conflicts} == {"1", "2", "4", "7"}
    summary = shop.undo()
    assert (summary.created, summary.updated, summary.removed, summary.refused) == (1, 2, 0, 4)
    assert shop.titles() == {
        "0": "Dress 0", "1": "Frock 1", "3": "Dress 3", "4": "By hand", "5": "Dress 5", "7": "New"
    }  # fmt: skip


def test_edits_are_overwritten_where_that_is_asked_for(shop: Shop) -> None:
    shop.picture("a.jpg", 1)
    shop.load("1,Dress,a.jpg,1,\n2,Hat,a.jpg,1,\n")
    shop.load("1,Frock,a.jpg,1,\n3,Shoe,a.jpg,1,\n", Removal.GUARDED)
    with shop.ledger.begin() as session:
        delete_product(session, shop.id, "1")
        hide_product(session, shop.id, "3")
    assert shop.undoable().edited == 2
    shop.undo(even_edited=True)
    assert shop.titles() == {"1": "Dress", "2": "Hat"}


def test_an_import_that_changes_nothing_leaves_the_last_one_to_be_taken_back(shop: Shop) -> None:
    shop.picture("a.jpg", 1)
    shop.load("1,Dress,a.jpg,1,\n")
    first = shop.load("1,Frock,a.jpg,1,\n")
    shop.load("1,Frock,a.jpg,1,\n")
    assert shop.undoable().job_id == first.job_id
    shop.load("1,Gown,a.jpg,1,\n")
    shop.undo()
    assert shop.titles() == {"1": "Frock"}
    with shop.ledger() as session:
        assert undoable(session, shop.id) is None  # of the one before nothing is kept


def test_the_undo_of_another_shop_is_not_seen(shop: Shop) -> None:
    shop.picture("a.jpg", 1)
    shop.load("1,Dress,a.jpg,1,\n")
    with shop.ledger.begin() as session:
        other = ensure_merchant(session, "other").id
        assert undoable(session, other) is None
