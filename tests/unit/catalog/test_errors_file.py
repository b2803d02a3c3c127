"""Refused rows as a file: mend it, import it, and only those rows are touched."""

import csv
from pathlib import Path

import pytest
from sqlalchemy import select

from catalog.database import Sessions
from catalog.feeds import ProductRecord, RowFault, read_feed
from catalog.feeds.errors_file import write_errors
from catalog.feeds.escaping import escaped, unescaped
from catalog.importing.imports import ImportSummary, import_feed
from catalog.models import ImportJob, Product, RowError
from catalog.storage.folders import FolderIncoming
from tests.support.bad_rows import HEAD, feed_of

SAMPLES = Path(__file__).with_name("samples")


class Shop:
    def __init__(self, ledger: Sessions, merchant_id: int, folder: Path) -> None:
        self.ledger, self.id, self.folder = ledger, merchant_id, folder

    def load(self, path: Path) -> ImportSummary:
        return import_feed(self.ledger, self.id, path, None, FolderIncoming(self.folder / "incoming"))

    def faults(self, summary: ImportSummary) -> dict[int, list[RowFault]]:
        kept = select(RowError).where(RowError.job_id == summary.job_id)
        by_row: dict[int, list[RowFault]] = {}
        with self.ledger() as session:
            for error in session.scalars(kept):
                fault = RowFault(error.row, error.column, error.code, error.message)
                by_row.setdefault(error.row, []).append(fault)
        return by_row


@pytest.fixture
def store(ledger: Sessions, shop: int, tmp_path: Path) -> Shop:
    return Shop(ledger, shop, tmp_path)


def test_bad_rows_are_listed_and_a_mended_file_touches_only_those(store: Shop, tmp_path: Path) -> None:
    feed, errors = tmp_path / "feed.csv", tmp_path / "errors.csv"
    text, wrong = feed_of(600, 60, lambda n: f"https://i.example/{n}.jpg")
    feed.write_text(text)
    first = store.load(feed)
    assert (first.created, first.refused) == (540, 60)
    listed = {row: (faults[0].column, faults[0].code) for row, faults in store.faults(first).items()}
    assert listed == wrong
    assert write_errors(errors, feed, store.faults(first)) == 60
    with errors.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == [*HEAD.strip().split(","), "twirl_row", "twirl_column", "twirl_code", "twirl_message"]
    assert {int(row[8]): (row[9], row[10]) for row in rows} == wrong
    assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row)
    with store.ledger() as session:
        before = {row.sku: row.rev for row in session.execute(select(Product.sku, Product.rev))}
    for row in (row for row in rows if row[0] or row[1]):  # a merchant mends what can be mended
        row[:7] = [row[0] or f"m{row[8]}", row[1][:100] or "Dress", f"https://i.example/{row[8]}.jpg",
                   "", "9.00 USD", "in stock", ""]  # fmt: skip
    with errors.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    second = store.load(errors)
    assert (second.created, second.updated, second.refused) == (55, 0, 0)
    with store.ledger() as session:
        after = {row.sku: row.rev for row in session.execute(select(Product.sku, Product.rev))}
        titles = set(session.scalars(select(Product.title).where(Product.title.startswith("="))))
        attributes = session.scalars(select(Product.attributes)).all()
        assert len(session.scalars(select(ImportJob)).all()) == 2
    assert {sku: after[sku] for sku in before} == before
    assert titles == {"=Dress"}  # the apostrophe is gone again
    assert not any("twirl" in name for said in attributes for name in said)


def test_a_message_that_begins_with_a_quotation_is_written_as_it_is(tmp_path: Path) -> None:
    feed, errors = tmp_path / "feed.csv", tmp_path / "errors.csv"
    feed.write_text("id,title,image_link,price\n'1,Dress,https://i.example/1.jpg,cheap\n")
    (fault,) = read_feed(feed)
    assert isinstance(fault, RowFault) and fault.message.startswith("'cheap' is no price")
    formula = RowFault(2, "=x", "code", "=1+1")
    write_errors(errors, feed, {2: [fault]})
    with errors.open(encoding="utf-8-sig", newline="") as file:
        assert next(csv.DictReader(file))["twirl_message"] == fault.message
    write_errors(errors, feed, {2: [formula]})
    with errors.open(encoding="utf-8-sig", newline="") as file:
        row = next(csv.DictReader(file))
    assert (row["twirl_column"], row["twirl_message"]) == ("'=x", "'=1+1")


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-5.00", "@x", "\tx", "'=1", "'quoted'", "plain", "", "a=b"])
def test_escaping_is_undone(cell: str) -> None:
    assert not escaped(cell).startswith(("=", "+", "-", "@", "\t"))
    assert unescaped(escaped(cell)) == cell


@pytest.mark.parametrize(
    ("sample", "bad", "mended", "skus"),
    [
        ("shopify_old.csv", ("52.00,40.00", "dear,40.00"), ("dear", "52.00"),
         ["WD-RED-S", "WD-RED-M", "WD-BLUE-S"]),
        ("woocommerce.csv", (",18,20,", ",18,much,"), ("much", "20"), ["tee-red", "tee-green"]),
        ("google_rss.xml", (">9.99 GBP<", ">much<"), ("much", "9.99 GBP"), ["DB_1"]),
    ],
)  # fmt: skip
def test_what_belongs_together_comes_along(
    tmp_path: Path, sample: str, bad: tuple[str, str], mended: tuple[str, str], skus: list[str]
) -> None:
    feed, errors = tmp_path / "feed", tmp_path / "errors.csv"
    text = (SAMPLES / sample).read_text()
    assert bad[0] in text
    feed.write_text(text.replace(*bad))
    faults = [item for item in read_feed(feed, "GBP") if isinstance(item, RowFault)]
    broken = next(fault for fault in faults if fault.code == "price-invalid")
    assert write_errors(errors, feed, {broken.row: [broken]}) == 1
    assert broken.code in errors.read_text()
    errors.write_text(errors.read_text().replace(*mended))
    records = [item for item in read_feed(errors, "GBP") if isinstance(item, ProductRecord)]
    whole = {item.sku: item for item in read_feed(SAMPLES / sample, "GBP") if isinstance(item, ProductRecord)}
    assert [record.sku for record in records] == skus
    if not sample.endswith(".xml"):  # a table's rows come back as they were
        assert [whole[sku] for sku in skus] == records
