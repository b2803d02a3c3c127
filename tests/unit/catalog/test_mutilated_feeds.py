"""Vendors' files as they arrive in real life: thirty and more ways to be broken, what comes of each."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.feeds import FeedRefused, ProductRecord, RowFault, read_feed

SAMPLES = Path(__file__).with_name("samples")
Mutilation = Callable[[bytes], bytes]
Skus = list[str]
Faults = list[tuple[int, str]]

OLD = ["WD-RED-S", "WD-RED-M", "WD-BLUE-S", "canvas-tote"]
WOO = ["hoodie", "62", "tee-red", "tee-green", "collection", "print"]
WOO_FAULTS = [(5, "not-published"), (10, "parent-missing")]
JSON_LD = ["ANVIL-1", "COAT-S", "COAT-M"]


def swap(old: str, new: str) -> Mutilation:
    def changed(data: bytes) -> bytes:
        assert old.encode() in data
        return data.replace(old.encode(), new.encode())

    return changed


def recoded(codec: str, mark: bytes = b"") -> Mutilation:
    return lambda data: mark + data.decode().encode(codec, "replace")


def lines(change: Callable[[list[bytes]], list[bytes]]) -> Mutilation:
    return lambda data: b"".join(change(data.splitlines(keepends=True)))


def in_semicolons(data: bytes) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows(csv.reader(io.StringIO(data.decode())))
    return out.getvalue().encode()


CASES: list[tuple[str, str, Mutilation, Skus, Faults]] = [
    ("UTF-8 with a mark", "shopify_old.csv", recoded("utf-8-sig"), OLD, [(7, "not-published")]),
    ("UTF-16", "shopify_old.csv", recoded("utf-16"), OLD, [(7, "not-published")]),
    ("semicolons", "shopify_old.csv", in_semicolons, OLD, [(7, "not-published")]),
    ("Windows line ends", "shopify_old.csv", swap("\n", "\r\n"), OLD, [(7, "not-published")]),
    ("capitals in the header", "shopify_old.csv", swap("Variant Price,Variant C", "VARIANT PRICE,variant_c"),
     OLD, [(7, "not-published")]),
    ("no handle on later rows", "shopify_old.csv", swap("wrap-dress,,,", ",,,"), OLD, [(7, "not-published")]),
    ("no SKU anywhere", "shopify_old.csv", swap("WD-RED-S", ""),
     ["wrap-dress/Red/S", *OLD[1:]], [(7, "not-published")]),
    ("one SKU twice", "shopify_old.csv", swap("WD-RED-M", "WD-RED-S"),
     [OLD[0], *OLD[2:]], [(3, "id-twice"), (7, "not-published")]),
    ("a price in words", "shopify_old.csv", swap("49.00,65.00", "cheap,65.00"),
     OLD[1:], [(2, "price-invalid"), (7, "not-published")]),
    ("a currency sign", "shopify_old.csv", swap("52.00,40.00", '"€52,00",40.00'),
     OLD, [(7, "not-published")]),
    ("an open quote", "shopify_old.csv", swap("A bag.", '"A bag.'), OLD[:3],
     [(6, "quote-open"), (7, "not-published")]),
    ("no picture", "shopify_new.csv", lambda data: re.sub(rb"https://cdn[^,]*", b"", data),
     [], [(2, "required"), (3, "required"), (4, "not-published")]),
    ("too many cells", "shopify_new.csv", swap("Adult,,,,,,,,,,", "Adult,,,,,,,,,,,x"),
     [], [(2, "too-many-cells"), (3, "required"), (4, "not-published")]),
    ("cp1252", "woocommerce.csv", lambda data: data.replace(b"Soft cotton", b"Caf\xe9 cr\xe8me"),
     WOO, WOO_FAULTS),
    ("tabs", "woocommerce.csv",
     lambda data: in_semicolons(data).replace(b",", b"\x01").replace(b";", b"\t").replace(b"\x01", b","),
     WOO, WOO_FAULTS),
    ("names in German", "woocommerce.csv", swap("Color,", "Farbe,"), WOO, WOO_FAULTS),
    ("parents last", "woocommerce.csv",
     lines(lambda rows: [rows[0], *rows[2:], rows[1]]), WOO, [(4, "not-published"), (9, "parent-missing")]),
    ("parents gone", "woocommerce.csv", lines(lambda rows: [rows[0], *rows[2:]]),
     ["hoodie", "62", "collection", "print"],
     [(4, "not-published"), (5, "parent-missing"), (6, "parent-missing"), (9, "parent-missing")]),
    ("variations gone", "woocommerce.csv", lines(lambda rows: rows[:5]), ["tee", "hoodie", "62"],
     [(5, "not-published")]),
    ("a sale above the price", "woocommerce.csv", swap("18,20", "28,20"),
     [sku for sku in WOO if sku != "tee-green"],
     [(5, "not-published"), (7, "sale-price-higher"), (10, "parent-missing")]),
    ("blank lines", "woocommerce.csv", swap("\n62,", "\n\n\n62,"),
     WOO, [(7, "not-published"), (12, "parent-missing")]),
    ("g: never declared", "google_rss.xml", swap(' xmlns:g="http://base.google.com/ns/1.0"', ""),
     ["DB_1"], [(2, "price-invalid")]),
    ("XML in UTF-16", "google_rss.xml", recoded("utf-16"), ["DB_1"], [(2, "price-invalid")]),
    ("XML that is cp1252 and says UTF-8", "google_atom.xml", recoded("cp1252"), ["TV_1"], []),
    ("XML without its end", "google_rss.xml", lambda data: data[: data.index(b"about ten")],
     ["DB_1"], [(2, "xml-invalid")]),
    ("a bare &", "google_rss.xml", swap("<description>Plain", "<description>Plain & simple"),
     ["DB_1"], [(2, "xml-invalid")]),
    ("an item without an id", "google_rss.xml", swap("<g:id>DB_1</g:id>", ""),
     [], [(1, "required"), (2, "price-invalid")]),
    ("quotes in a TSV that mean nothing", "google.tsv", swap("Tee, striped", 'Tee 12" striped'),
     ["TS-1"], []),
    ("JSON-LD in one line", "products.jsonld", swap("\n", " "), JSON_LD, [(4, "required")]),
    ("JSON-LD as an array", "products.jsonld",
     lambda data: data[data.index(b"[") : data.rindex(b"]") + 1], JSON_LD, [(4, "required")]),
    ("JSON-LD that breaks off", "products.jsonld", lambda data: data[: data.index(b'"ListItem"')],
     JSON_LD, [(4, "json-invalid")]),
    ("JSON-LD in UTF-16", "products.jsonld", recoded("utf-16"), JSON_LD, [(4, "required")]),
    ("JSON-LD with a mark", "products.jsonld", recoded("utf-8-sig"), JSON_LD, [(4, "required")]),
]  # fmt: skip


CURRENCIES = {"google.tsv": "USD", "google_rss.xml": "GBP", "products.jsonld": ""}  # the last says its own


@pytest.mark.parametrize(
    ("sample", "mutilated", "skus", "codes"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_comes_of_a_mutilated_feed(
    tmp_path: Path, sample: str, mutilated: Mutilation, skus: Skus, codes: Faults
) -> None:
    path = tmp_path / "feed"
    path.write_bytes(mutilated((SAMPLES / sample).read_bytes()))
    currency = CURRENCIES.get(sample, "EUR")
    items = list(read_feed(path, currency))
    whole = {one.sku: one for one in read_feed(SAMPLES / sample, currency) if isinstance(one, ProductRecord)}
    records = {item.sku: item for item in items if isinstance(item, ProductRecord)}
    faults = {(item.row, item.code) for item in items if isinstance(item, RowFault)}
    assert sorted(records) == sorted(skus)
    assert faults == set(codes)
    for sku, record in records.items():  # what went in says what the sound file says
        if sku in whole:
            assert (record.images, record.price_minor, record.size) == (
                whole[sku].images, whole[sku].price_minor, whole[sku].size,
            )  # fmt: skip
    assert all(item.message.endswith(".") for item in items if isinstance(item, RowFault))


def test_entities_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    bomb = b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<rss'
    path.write_bytes((SAMPLES / "google_rss.xml").read_bytes().replace(b"<rss", bomb, 1))
    with pytest.raises(FeedRefused) as refused:
        read_feed(path)
    assert refused.value.code == "feed-xml" and "entities" in refused.value.message


def test_an_item_without_end_is_not_held(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    head, _, _ = (SAMPLES / "google_rss.xml").read_bytes().partition(b"about ten")
    path.write_bytes(head + b"x" * 20_000_000)
    *_, last = read_feed(path)
    assert (
        isinstance(last, RowFault) and (last.row, last.code) == (2, "xml-invalid") and "8 MiB" in last.message
    )


@pytest.mark.parametrize("start", ["[", '{"@context": "x", "other": [1, {"id": 3}], "items": ['])
def test_deep_json_is_a_fault(tmp_path: Path, start: str) -> None:
    path = tmp_path / "feed.json"
    deep = '{"id": 1, "x": ' + "[" * 500_000 + "]" * 500_000 + "}"
    end = "]" + ("}" if start.startswith("{") else "")
    path.write_text(
        f'{start}{deep},\n7, {{"id": 2, "title": "b", "image": "b.jpg", "tags": [["x"], {{"y": 1}}]}}{end}'
    )
    fault, other, record = read_feed(path)
    assert isinstance(fault, RowFault) and fault.code == "json-invalid" and "deep" in fault.message
    assert isinstance(other, RowFault) and (other.row, other.code) == (2, "json-not-object")
    assert isinstance(record, ProductRecord) and (record.sku, record.row) == ("2", 3)
    assert record.attributes == {"tags": [["x"], {"y": 1}]}
