import csv
import io
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.feeds import FeedRefused, ProductRecord, RowFault, currency_in, read_feed, survey_feed
from catalog.feeds.columns import normalised
from catalog.feeds.values import availability, category_path, clean, image_names, plain_text

Read = Callable[[str | bytes], tuple[list[ProductRecord], list[RowFault]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(data: str | bytes) -> tuple[list[ProductRecord], list[RowFault]]:
        path = tmp_path / "feed"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        items = list(read_feed(path, currency_in(survey_feed(path)) or "USD"))
        records = [item for item in items if isinstance(item, ProductRecord)]
        return records, [item for item in items if isinstance(item, RowFault)]

    return read


HEAD = "id,title,image_link,price"


def test_every_google_column_has_its_place(read: Read) -> None:
    columns = {
        "id": "s1", "title": "Dress", "description": "<p>Long</p>", "link": "https://shop/s1",
        "image_link": "https://shop/1.jpg", "additional_image_link": "https://shop/2.jpg,https://shop/3.jpg",
        "price": "20.00 EUR", "sale_price": "15.00 EUR", "availability": "Out of Stock", "brand": "Acme",
        "product_type": "Women>Dresses", "google_product_category": "2271", "color": "red/white",
        "pattern": "plain", "material": "wool", "gender": "female", "age_group": "adult", "size": "M",
        "item_group_id": "g1", "gtin": "401234", "custom_label_0": "new",
    }  # fmt: skip
    table = io.StringIO()
    csv.writer(table).writerows([columns.keys(), columns.values()])
    (record,), faults = read(table.getvalue())
    assert faults == []
    assert record == ProductRecord(
        sku="s1", title="Dress", description="Long", link="https://shop/s1", brand="Acme",
        images=("https://shop/1.jpg", "https://shop/2.jpg", "https://shop/3.jpg"), category="Women > Dresses",
        colour="red/white", pattern="plain", material="wool", gender="female", age_group="adult", size="M",
        item_group_id="g1", price_minor=2000, sale_price_minor=1500, currency="EUR",
        availability="out_of_stock",
        attributes={"google_product_category": "2271", "gtin": "401234", "custom_label_0": "new"},
    )  # fmt: skip
    assert record.row == 2
    assert read("\n" + json.dumps(columns))[0] == [record]


@pytest.mark.parametrize(
    "name", ["Image Link", "IMAGE_LINK", "image-link", " image  link ", "g:image_link", "\ufeffImage_Link"]
)
def test_column_names_are_compared_loosely(name: str) -> None:
    assert normalised(name) == "image_link"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_delimiters_and_line_ends(read: Read, delimiter: str, encoding: str, end: str) -> None:
    rows = [
        ["Title", "ID", "Image Link", "Price"],
        ['Café “Zoë” – naïve, "x"; a|b\tc', "1", "é.jpg", "1,50 EUR"],
    ]
    table = io.StringIO()
    csv.writer(table, delimiter=delimiter, lineterminator=end).writerows(rows)
    (record,), faults = read(table.getvalue().encode(encoding))
    assert faults == []
    assert (record.title, record.images) == ('Café “Zoë” – naïve, "x"; a|b c', ("é.jpg",))
    assert (record.price_minor, record.currency) == (150, "EUR")


def test_a_few_bad_bytes_in_utf8_are_faults_of_their_rows(read: Read) -> None:
    data = (HEAD + "\n1,Größe,a.jpg,1\n2,Größe,b.jpg,1\n").encode() + b"3,Gr\xf6\xdfe,c.jpg,1\n4,x,d.jpg,1\n"
    records, (fault,) = read(data)
    assert [record.sku for record in records] == ["1", "2", "4"]
    assert (fault.row, fault.column, fault.code) == (4, "title", "encoding")


def test_line_breaks_inside_quotes_and_row_numbers_as_a_spreadsheet_has_them(read: Read) -> None:
    records, faults = read(
        f'{HEAD},description\n1,a,a.jpg,1,"one\ntwo\n\nthree"\n\n3,,a.jpg,1,\n4,d,a.jpg,free,"x\ny"\n'
    )
    assert records[0].description == "one\ntwo\n\nthree"
    assert [(fault.row, fault.column, fault.code) for fault in faults] == [
        (4, "title", "required"), (5, "price", "price-invalid"),
    ]  # fmt: skip
    assert faults[1].raw == {
        "id": "4",
        "title": "d",
        "image_link": "a.jpg",
        "price": "free",
        "description": "x\ny",
    }


def test_a_stray_quote_costs_its_own_row_only(read: Read) -> None:
    rows = [f'{n},"Dress {n}",a{n}.jpg,1' for n in range(1, 3000)]
    rows[4] = '5,"Dress 5,a5.jpg,1'
    rows[9] = '10,6" heel,a10.jpg,1'  # an inch, not a quotation
    rows[-1] = '2999,"open to the end,a.jpg,1'
    records, faults = read("\n".join([HEAD, *rows]))
    assert [(fault.row, fault.code) for fault in faults] == [(6, "quote-open"), (3000, "quote-open")]
    assert len(records) == 2997
    assert records[8].title == '6" heel' and faults[0].raw["line"].startswith("5,")


def test_every_fault_of_a_row_is_told(read: Read) -> None:
    head = "id,title,image_link,additional_image_link,price,sale_price,availability,link,size"
    many = ",".join(f"{n}.jpg" for n in range(12))
    row = f'{"x" * 101},,ftp://a/b.jpg,"{many}",1.234,2 EUR,maybe,javascript:x,{"L" * 201}'
    records, faults = read(
        f"{head}\n{row}\n2,ok,a.jpg,,10,12,,,\n3,ok,a.jpg,,10 USD,9 EUR,,,\n4,ok,a.jpg,,9,9,in stock,,\n"
    )
    assert [record.sku for record in records] == ["4"] and records[0].sale_price_minor is None
    assert {(fault.row, fault.column, fault.code) for fault in faults} == {
        (2, "id", "too-long"), (2, "title", "required"), (2, "image_link", "image-link-invalid"),
        (2, "additional_image_link", "too-many-images"), (2, "price", "price-ambiguous"),
        (2, "availability", "availability-unknown"), (2, "link", "link-invalid"), (2, "size", "too-long"),
        (3, "sale_price", "sale-price-higher"), (4, "price", "currency-mismatch"),
    }  # fmt: skip
    assert all(fault.message.endswith((".", ")")) for fault in faults)


def test_an_id_that_comes_twice_is_a_fault(read: Read) -> None:
    records, (fault,) = read(f"{HEAD}\n1,a,a.jpg,1\n 1 ,b,a.jpg,1\n2,c,a.jpg,1\n")
    assert [record.title for record in records] == ["a", "c"]
    assert (fault.row, fault.column, fault.code) == (3, "id", "id-twice") and "row 2" in fault.message


def test_an_id_that_no_address_can_hold_is_a_fault(read: Read) -> None:
    records, faults = read(f"{HEAD}\nA/1,a,a.jpg,1\n..,b,a.jpg,1\nA//1,c,a.jpg,1\n1.5,d,a.jpg,1\n")
    assert [record.sku for record in records] == ["A/1", "1.5"]
    assert [(fault.row, fault.column, fault.code) for fault in faults] == [
        (3, "id", "sku-invalid"),
        (4, "id", "sku-invalid"),
    ]


def test_too_many_and_too_few_cells(read: Read) -> None:
    records, faults = read(f"{HEAD}\n1,a,a.jpg\n2,Dress, red,a.jpg,1\n3,c,a.jpg,1,,,\n")
    assert [record.sku for record in records] == ["1", "3"]
    assert [(fault.row, fault.code) for fault in faults] == [(3, "too-many-cells")]


def test_nothing_that_no_database_takes_gets_through(read: Read) -> None:
    (record,), faults = read(
        '{"id": "1\\u0000", "title": "a\\ud800b\\u0007", "image": "a.jpg", "x": {"y\\u0000": ["\\udfff"]}}'
    )
    assert (record.sku, record.title, record.attributes) == ("1", "ab", {"x": {"y": [""]}}) and not faults
    (record,), faults = read(HEAD.encode() + b"\n1,a\0b,a.jpg,1\n")
    assert record.title == "ab" and not faults


def test_json_lines_say_what_is_wrong_with_each(read: Read) -> None:
    good = {
        "ID": 7,
        "title": "t",
        "image link": ["a.jpg", "b.jpg"],
        "price": 9.5,
        "sizes": ["S", "M"],
        "brand": None,
    }
    lines = [
        json.dumps(good),
        "{broken",
        "[1]",
        '"x"',
        "",
        '{"id": NaN}',
        "[" * 100_000,
        '{"id": 1' + "0" * 5000 + "}",
        "{}",
    ]
    (record,), faults = read("\n".join(lines))
    assert (record.sku, record.images, record.price_minor) == ("7", ("a.jpg", "b.jpg"), 950)
    assert record.attributes == {"sizes": ["S", "M"]}
    assert {(fault.row, fault.code) for fault in faults} == {
        (2, "json-invalid"), (3, "json-not-object"), (4, "json-not-object"), (6, "json-invalid"),
        (7, "json-invalid"), (8, "json-invalid"), (9, "required"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "feed-empty"), (b"\xef\xbb\xbf\n\n", "feed-empty"), (b"\0" * 100, "feed-empty"),
        (b"PK\x03\x04" + b"x" * 99, "feed-binary"), (b"\xd0\xcf\x11\xe0" + b"x" * 99, "feed-binary"),
        (bytes(range(256)) * 9, "feed-binary"), (b"\xff\xd8\xff\xe0 jfif", "feed-binary"),
        (b"%PDF-1.7", "feed-binary"), (b"\x00\x01\x02binary", "feed-binary"),
        (b"<?xml version='1.0'?><rss/>", "feed-xml"), (b"<html>", "feed-xml"), (b'{"a": [', "feed-json"),
        (b"1,Dress,a.jpg\n2,Hat,b.jpg", "feed-no-header"), (b"id,title\n1,a", "feed-columns-missing"),
        (b"id,title,price,image_link,price\n", "feed-column-twice"), (b'"', "feed-no-header"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_read_at_all(read: Read, data: bytes, code: str) -> None:
    with pytest.raises(FeedRefused) as refused:
        read(data)
    assert refused.value.code == code
    assert refused.value.message.endswith(".") and refused.value.fix.endswith(".")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(FeedRefused) as refused:
            read_feed(path)
        assert refused.value.code == "feed-unreadable"


def test_a_very_long_line_is_skipped_without_being_held(tmp_path: Path) -> None:
    path = tmp_path / "feed.csv"
    with path.open("w") as file:
        file.write(f"{HEAD}\n1,a,a.jpg,1\n2,{'x' * 50_000_000},a.jpg,1\n3,c,a.jpg,1\n")
    tracemalloc.start()
    items = list(read_feed(path, "USD"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [type(item).__name__ for item in items] == ["ProductRecord", "RowFault", "ProductRecord"]
    assert isinstance(items[1], RowFault) and (items[1].row, items[1].code) == (3, "line-too-long")
    assert peak < 20_000_000


def test_memory_does_not_grow_with_the_feed(tmp_path: Path) -> None:
    path = tmp_path / "feed.csv"
    with path.open("w") as file:
        file.write(f"{HEAD},description\n")
        file.writelines(f'{n},Dress {n},a{n}.jpg,1.00 USD,"{"wool " * 200}"\n' for n in range(6000))
    tracemalloc.start()
    assert sum(isinstance(item, ProductRecord) for item in read_feed(path)) == 6000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000  # the file has 6.5 MB; what grows is the set of ids


def test_the_survey_counts_records_not_lines(tmp_path: Path) -> None:
    path = tmp_path / "feed.csv"
    path.write_text(f"{HEAD},d\n" + '1,a,a.jpg,1,"x\ny"\n' * 500)
    shape = survey_feed(path)
    assert (shape.rows, shape.delimiter, shape.is_table) == (500, ",", True)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<p>Soft &amp; warm</p><ul><li>wool</li><li>red</li></ul>", "Soft & warm\nwool\nred"),
        ("a<br/>b<script>alert('x')</script>c", "a\nbc"), ("Tom &amp; Jerry", "Tom & Jerry"),
        ("1 < 2 > 0", "1 < 2 > 0"),
        ("I <3 you", "I <3 you"), ("<b>bold", "bold"), ("<!-- hidden -->seen", "seen"), ("&lt;b&gt;", "<b>"),
        ("<style>p{}</style>\n\n<div>x   y</div>", "x y"), ("cafe\u0301", "café"), ("a\r\nb\rc", "a\nb\nc"),
    ],
)  # fmt: skip
def test_markup_becomes_text(text: str, plain: str) -> None:
    assert plain_text(text) == plain


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        ("in stock", "in_stock"), ("In_Stock", "in_stock"), ("https://schema.org/InStock", "in_stock"),
        ("http://schema.org/OutOfStock/", "out_of_stock"), ("sold out", "out_of_stock"),
        ("Pre-Order", "preorder"),
        ("preorder", "preorder"), ("back order", "backorder"), ("available for order", "backorder"),
        ("soon", None),
    ],
)  # fmt: skip
def test_availability_in_many_words(word: str, ours: str | None) -> None:
    assert availability(word) == ours


def test_categories_and_image_lists() -> None:
    assert category_path(" Women >Dresses › Mini") == "Women > Dresses > Mini" and category_path("2271") == ""
    assert image_names("a.jpg, b.jpg|c d.jpg") == ["a.jpg", "b.jpg", "c d.jpg"]
    assert image_names("https://a/w_1,h_2/x.jpg, https://b/y.jpg") == [
        "https://a/w_1,h_2/x.jpg",
        "https://b/y.jpg",
    ]
    assert image_names([" a.jpg ", ["b.jpg"], ""]) == ["a.jpg", "b.jpg"]


cells = st.text(st.characters(codec="utf-8", exclude_characters="\ufffd"), max_size=30)
rows = st.lists(st.tuples(cells, cells, st.integers(0, 10**9), cells), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(
    rows=rows,
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_what_is_written_is_read(
    tmp_path: Path, rows: list[tuple[str, str, int, str]], delimiter: str, encoding: str, quoting: int
) -> None:
    table = io.StringIO()
    writer = csv.writer(table, delimiter=delimiter, quoting=quoting, lineterminator="\r\n")
    writer.writerow(["id", "title", "image_link", "price", "x"])
    for number, (title, brand, price, other) in enumerate(rows):
        writer.writerow([f"s{number}", "t" + title, "a.jpg", f"{price / 100:.2f} EUR", brand + other])
    path = tmp_path / "feed"
    path.write_bytes(table.getvalue().encode(encoding))
    items = list(read_feed(path))
    assert [item.sku for item in items if isinstance(item, ProductRecord)] == [
        f"s{n}" for n in range(len(rows))
    ]
    for item, (title, brand, price, other) in zip(items, rows, strict=True):
        assert isinstance(item, ProductRecord)
        assert item.price_minor == price and item.currency == "EUR"
        assert item.title == " ".join(plain_text("t" + title).split())
        assert item.attributes.get("x", "") == clean(brand + other)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(
    st.binary(max_size=400),
    st.sampled_from([b"", b"id,title,image_link\n", b'{"id":"1"', b"\xff\xfe", b"id;title;image_link;"]),
)
def test_no_bytes_break_the_reader(tmp_path: Path, noise: bytes, start: bytes) -> None:
    path = tmp_path / "noise"
    path.write_bytes(start + noise)
    try:
        for item in read_feed(path):
            json.dumps(item.raw if isinstance(item, RowFault) else dict(item.attributes)).encode()
            assert item.row > 0
    except FeedRefused as refused:
        assert refused.fix
