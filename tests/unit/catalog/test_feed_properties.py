"""Feeds of any content: every row is a product or a fault with its number, and nothing else comes of them."""

import csv
import io
import json
import string
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.feeds import FeedRefused, ProductRecord, RowFault, read_feed

HEADER = ("id", "title", "description", "image_link", "price", "availability")
ids = st.text(string.ascii_letters + string.digits + "-_.", min_size=1, max_size=20)
words = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40)
cells = st.text(max_size=20) | st.integers() | st.none()
prices = st.sampled_from(("19.00 USD", "19,00 €", "cheap", "", "-1", "9" * 30, "0"))
rows = st.lists(
    st.tuples(ids, words, words, st.sampled_from(("a.jpg", "", "../b.jpg")), prices, st.just("in stock")),
    min_size=1, max_size=8, unique_by=lambda row: row[0],
)  # fmt: skip
dialects = st.fixed_dictionaries(
    {"delimiter": st.sampled_from(",;\t"), "lineterminator": st.sampled_from(("\n", "\r\n"))}
)
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def taken(path: Path) -> list[ProductRecord | RowFault]:
    return list(read_feed(path, "USD"))


@quick
@given(rows, dialects, st.sampled_from(("utf-8", "utf-8-sig", "utf-16")))
def test_each_row_of_a_table_is_a_product_or_has_a_fault(
    tmp_path: Path, rows: list[tuple[str, ...]], dialect: dict[str, Any], encoding: str
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, **dialect).writerows([HEADER, *rows])
    path = tmp_path / "feed.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    seen = taken(path)
    products = [each for each in seen if isinstance(each, ProductRecord)]
    faulty = {each.row for each in seen if isinstance(each, RowFault)}
    assert len(products) + len(faulty) == len(rows)
    assert {each.sku for each in products} <= {row[0] for row in rows}
    for each in products:
        assert each.title and "<script" not in each.title


@quick
@given(st.lists(st.dictionaries(st.sampled_from((*HEADER, "x")), cells),
                min_size=1, max_size=6))  # fmt: skip
def test_each_line_of_json_is_a_product_or_has_a_fault(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    path = tmp_path / "feed.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    try:
        seen = taken(path)
    except FeedRefused as refused:
        assert refused.fix
        return
    products = sum(isinstance(each, ProductRecord) for each in seen)
    assert products + len({each.row for each in seen if isinstance(each, RowFault)}) == len(rows)


@quick
@given(st.binary(max_size=600), st.sampled_from((".csv", ".tsv", ".jsonl", ".json", ".xml")))
def test_any_bytes_are_read_or_refused_with_a_fix(tmp_path: Path, data: bytes, suffix: str) -> None:
    path = tmp_path / f"feed{suffix}"
    path.write_bytes(data)
    try:
        taken(path)
    except FeedRefused as refused:
        assert refused.fix.endswith(".")
