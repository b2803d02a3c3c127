"""What columns are taken for, and what a mapping does with a row."""

from pathlib import Path

import pytest

from catalog.database import Sessions
from catalog.feeds import FeedRefused, ProductRecord, RowFault, read_feed, survey_feed
from catalog.feeds.look import look_at
from catalog.feeds.mapping import as_mapping, checked, header_hash, lacking, proposed
from catalog.feeds.pictures import open_pictures
from catalog.importing.preparing import prepared

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


def test_faults_name_the_columns_that_the_feed_has(ledger: Sessions, shop: int, tmp_path: Path) -> None:
    feed, rows = tmp_path / "feed.csv", ["1,Rock,none.jpg,,9 EUR", "2,Hut,,,9 EUR", "2,,x.jpg,,9 EUR"]
    rows += ["3,Hut,https://i.example/3.jpg,none.jpg,9 EUR", "3,Hut,https://i.example/3.jpg,,9 EUR", ",a,x,,"]
    feed.write_text("\n".join(["Artikelnr,Name,Foto,Foto 2,Preis", *rows]))
    mapping = {"artikelnr": "sku", "foto": "image", "foto_2": "more_images"}
    with open_pictures(None) as pictures:
        batch = prepared(
            ledger, shop, list(read_feed(feed, shape=survey_feed(feed, mapping))), pictures, None
        )
    said = {(fault.row, fault.column, fault.code) for fault in batch.faults + batch.warnings}
    assert said == {
        (2, "foto", "image-missing"), (3, "foto", "required"), (4, "name", "required"),
        (5, "foto_2", "image-missing"), (6, "artikelnr", "id-twice"), (7, "artikelnr", "required"),
    }  # fmt: skip
    messages = {fault.message.split(".")[0] for fault in batch.faults if fault.code == "required"}
    assert {"There is no picture in foto", "The name is empty", "The artikelnr is empty"} == messages
    assert {tuple(fault.raw) for fault in batch.faults if fault.row == 2} == {("artikelnr", "name", "foto")}


def test_more_pictures_in_one_column_are_said_to_be_there(tmp_path: Path) -> None:
    feed = tmp_path / "feed.jsonl"
    feed.write_text('{"sku": "1", "title": "Hut", "images": ["a.jpg", "ftp://x/b.jpg"]}\n')
    feed.write_text(feed.read_text() + '{"sku": "2", "title": "Hut", "images": []}\n')
    first, second = read_feed(feed)
    assert isinstance(first, RowFault) and isinstance(second, RowFault)
    assert (first.column, first.code) == ("images", "image-link-invalid")
    assert (second.column, second.code) == ("images", "required") and "in images" in second.message


def test_columns_say_what_goes_together(tmp_path: Path) -> None:
    feed = tmp_path / "feed.csv"
    feed.write_text(
        "id,title,image_link,Outfit ID,crosssell_skus,set,passt zu,auch zu\n1,Rock,a.jpg,summer,7,red,2,3\n"
    )
    look = look_at(feed)
    guessed = as_mapping(proposed([column.name for column in look.columns]))
    assert guessed["outfit_id"] == "look_id" and guessed["crosssell_skus"] == "cross_sells"
    (plain,) = read_feed(feed)
    (known,) = read_feed(feed, shape=survey_feed(feed, guessed))
    assert plain == known  # a guess by the name changes nothing
    said = {"set": "look_id", "passt_zu": "cross_sells", "auch_zu": "cross_sells"}
    mapping = checked(guessed | said, list(guessed))
    (record,) = read_feed(feed, shape=survey_feed(feed, mapping))
    assert isinstance(record, ProductRecord)
    assert record.attributes == {
        "outfit_id": "summer", "look_id": ["red"], "crosssell_skus": "7", "cross_sells": ["2", "3"],
    }  # fmt: skip


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
