"""What columns are taken for, and what a mapping does with a row."""

from pathlib import Path

import pytest

from catalog.feeds import FeedRefused, ProductRecord, read_feed, survey_feed
from catalog.feeds.look import look_at
from catalog.feeds.mapping import as_mapping, checked, header_hash, lacking, proposed

GUESSES = [
    (("id", "title", "image_link", "color"), {
        "id": "sku", "title": "title", "image_link": "image", "color": "colour",
    }),
    (("Artikelnummer", "Bezeichnung", "Foto", "Preis", "Farbe", "Notiz"), {
        "artikelnummer": "sku", "bezeichnung": "title", "foto": "image", "preis": "price", "farbe": "colour",
        "notiz": "keep",
    }),
    (("prodct_name", "product code", "Picture URL", "image2", "image 3"), {
        "prodct_name": "title", "product_code": "sku", "picture_url": "image", "image2": "more_images",
        "image_3": "more_images",
    }),
    (("id", "title", "image_link", "product_name"), {
        "id": "sku", "title": "title", "image_link": "image", "product_name": "keep",  # the title is taken
    }),
]  # fmt: skip


@pytest.mark.parametrize(("titles", "expected"), GUESSES)
def test_columns_are_taken_for_what_is_nearest(
    tmp_path: Path, titles: tuple[str, ...], expected: dict[str, str]
) -> None:
    feed = tmp_path / "feed.csv"
    feed.write_text(";".join(titles) + "\n" + ";".join("x" for _ in titles) + "\n")
    look = look_at(feed)
    assert [column.title for column in look.columns] == list(titles) and look.rows == 1
    assert as_mapping(proposed([column.name for column in look.columns])) == expected


def test_a_mapping_decides_what_is_read(tmp_path: Path) -> None:
    feed = tmp_path / "feed.csv"
    feed.write_text(
        "nr,was,name,bild 1,bild 2,bild 3,was kostet es\n7,Kleid,x,a.jpg,,c.jpg,9 EUR\n8,,y,a.jpg,,,zu viel\n"
    )
    with pytest.raises(FeedRefused) as refused:
        survey_feed(feed)
    assert refused.value.code in ("feed-no-header", "feed-columns-missing")
    mapping = {
        "nr": "sku", "was": "title", "name": "keep", "bild_1": "image", "bild_2": "more_images",
        "bild_3": "more_images", "was_kostet_es": "price",
    }  # fmt: skip
    good, *faults = read_feed(feed, shape=survey_feed(feed, mapping))
    assert isinstance(good, ProductRecord)
    assert (good.sku, good.title, good.images, good.price_minor) == ("7", "Kleid", ("a.jpg", "c.jpg"), 900)
    assert good.attributes == {"name": "x"}
    said = {(fault.row, fault.column, fault.code) for fault in faults if not isinstance(fault, ProductRecord)}
    assert said == {(3, "was", "required"), (3, "was_kostet_es", "price-invalid")}
    left = survey_feed(feed, {**mapping, "name": "leave"})
    (first, *_) = read_feed(feed, shape=left)
    assert isinstance(first, ProductRecord) and first.attributes == {}


def test_a_mapping_of_json_goes_by_its_keys_and_others_by_their_names(tmp_path: Path) -> None:
    feed = tmp_path / "feed.jsonl"
    feed.write_text('{"nr": 1, "title": "Hat", "foto": "a.jpg", "color": "red"}\n')
    (record,) = read_feed(feed, shape=survey_feed(feed, {"nr": "sku", "foto": "image"}))
    assert isinstance(record, ProductRecord)
    assert (record.sku, record.title, record.images, record.colour) == ("1", "Hat", ("a.jpg",), "red")


def test_what_forms_say_is_checked() -> None:
    said = {"a": "sku", "b": "colour", "c": "nonsense", "d": "title"}
    assert checked(said, ["a", "b", "c"]) == {"a": "sku", "b": "colour"}
    assert lacking({"a": "sku"}) == ["title", "image"]
    assert header_hash(["b", "a", ""]) == header_hash(["a", "b"]) != header_hash(["a", "c"])
