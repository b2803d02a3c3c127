"""Every code that a row or a feed can be refused with is in docs/feeds.md."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
CODE = re.compile(r"[a-z]+(-[a-z]+)+")
REFUSING = {"fault", "RowFault", "PriceInvalid", "FeedRefused"}


def codes(source: str) -> Iterator[str]:
    for call in ast.walk(ast.parse(source)):
        if (
            isinstance(call, ast.Call)
            and getattr(call.func, "attr", getattr(call.func, "id", "")) in REFUSING
        ):
            for said in call.args:
                if (
                    isinstance(said, ast.Constant)
                    and isinstance(said.value, str)
                    and CODE.fullmatch(said.value)
                ):
                    yield said.value


def test_every_code_of_a_feed_is_in_the_docs() -> None:
    told = set(re.findall(r"`([a-z0-9-]+)`", (ROOT / "docs" / "feeds.md").read_text()))
    raised = {code for path in (ROOT / "catalog" / "feeds").rglob("*.py") for code in codes(path.read_text())}
    assert {"sku-invalid", "sale-price-higher", "id-twice", "feed-empty", "currency-unknown"} <= raised
    assert not raised - told
