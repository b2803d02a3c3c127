"""The figures of a comparison, worked by hand, and its page."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from catalog.models import Image, Product
from catalog.site import IndexRef
from catalog.storage.blobs import BlobMissing
from searcher.diff import Answer, Change, Report
from searcher.diff_page import report_page
from searcher.filters import Filters
from searcher.query import SearchQuery
from searcher.results import ProductHit

LIVE = IndexRef(1, "a" * 32, "old", 8, "ready", live=True)
OTHER = IndexRef(2, "b" * 32, "new & <b>better</b>", 8, "ready", live=False)


def answer(groups: str, took_ms: float = 10.0) -> Answer:
    hits = [
        ProductHit(Product(sku=name, item_group_id=name, title=f"Title {name} <script>"), Image(), 0.5)
        for name in groups
    ]
    return Answer(tuple(hits), took_ms)


def change(live: str, candidate: str, **asked: Any) -> Change:
    return Change(SearchQuery(1, **{"words": "red", **asked}), None, answer(live), answer(candidate, 20.0))


@pytest.mark.parametrize(
    ("live", "candidate", "overlap", "same_top", "shift"),
    [
        ("abcdefghij", "abcdefghij", 1.0, True, 0.0),
        ("abcdefghij", "bacdefghij", 1.0, False, 0.2),  # two hits move one place each: 2 / 10
        ("abcdefghij", "abcdefghik", 0.9, True, 0.1),  # the last falls from place 10 to 11
        ("abcdefghij", "klmnopqrst", 0.0, False, 5.5),  # (10 + 9 + … + 1) / 10
        ("ab", "abcd", 0.5, True, 0.0),
        ("", "", 1.0, True, 0.0),
        ("ab", "", 0.0, False, 9.5),  # (10 + 9) / 2
    ],
)
def test_how_far_two_answers_differ(
    live: str, candidate: str, overlap: float, same_top: bool, shift: float
) -> None:
    found = change(live, candidate)
    assert found.overlap == pytest.approx(overlap)
    assert found.same_top is same_top
    assert found.shift == pytest.approx(shift)


def report(*changes: Change, logged: bool = True) -> Report:
    return Report(LIVE, OTHER, changes, logged=logged, gone=3, failed=0)


def test_a_report_averages_its_searches() -> None:
    made = report(change("ab", "ab"), change("ab", "ba"), change("ab", "cd"), change("ab", "ac"))
    assert made.overlap == pytest.approx((1 + 1 + 0 + 0.5) / 4)
    assert made.same_top == pytest.approx(2 / 4)
    assert made.shift == pytest.approx((0 + 1 + 9.5 + 4.5) / 4)
    assert made.latency("live") == (10.0, 10.0) and made.latency("candidate") == (20.0, 20.0)


def test_the_page_is_whole_and_nothing_in_it_is_markup_of_others() -> None:
    nothing = SimpleNamespace(read=_missing, webp=lambda _: None)
    searches = [
        change("ab", "cb", words=f"<i>{number}</i>", filters=Filters(colour=("r&b",))) for number in range(70)
    ]
    page = report_page(report(*searches), cast(Any, nothing), cast(Any, nothing))
    assert "<script" not in page and "<b>better" not in page and "<i>" not in page
    assert "Title a &lt;script&gt;" in page and "r&amp;b" in page
    assert page.count("<article>") == 60 and page.count("<tr><td>") == 10
    assert page.count('class="gone"') == page.count('class="new"') == 60
    assert "3 logged searches were left out" in page
    assert "http" not in page, "it needs nothing from anywhere"


def _missing(sha256: str, size: int) -> bytes:
    raise BlobMissing(sha256)
