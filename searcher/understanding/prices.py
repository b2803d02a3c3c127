"""Prices in a request: "under $50", "between 20 and 40", "75 or less", and "cheaper" beside a product."""

import re
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

from searcher.understanding.chips import Chip, Meaning
from searcher.understanding.currencies import SIGN as _SIGN
from searcher.understanding.currencies import other_than

_WRITTEN = {
    "ten": 10, "twenty": 20, "twenty five": 25, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50,
    "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "a hundred": 100, "one hundred": 100,
    "two hundred": 200,
}  # fmt: skip
_IN_WORDS = "|".join(sorted(_WRITTEN, key=len, reverse=True))
_GROUPED = r"\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?"
_GROUPED_BY_POINTS = r"\d{1,3}(?:\.\d{3})+(?:,\d{1,2})?"
_NUMBER = rf"({_GROUPED}|{_GROUPED_BY_POINTS}|\d{{1,7}}(?:[.,]\d{{1,2}})?k?|(?:{_IN_WORDS})(?!\w))"
_AMOUNT = rf"(?:{_SIGN}\s*)?{_NUMBER}(?:ish)?(?:\s*{_SIGN}(?!\w))?"
_MONEY = rf"(?:{_SIGN}\s*{_NUMBER}|{_NUMBER}\s*{_SIGN}(?!\w))"
_NOT_MONEY = r"(?!\s*(?:%|cm|mm|inch|inches|years?|yrs?|months?|kg|g\b|ml|xl|/|[.,]?\d|-\d|st\b|th\b))"
_BELOW = (
    r"(?:under|below|less th[ae]n|cheaper th[ae]n|up ?to|max(?:imum)?(?: of)?|at most|no more th[ae]n"
    r"|not more th[ae]n|within|sub|budget(?: of| is)?|nothing (?:over|above)|not (?:over|above)|<=?)"
)
_ABOVE = r"(?:over|above|more than|from|at ?least|min(?:imum)?(?: of)?|starting at|>=?)"

_BETWEEN = re.compile(
    rf"\b(?:between|from|prices?|priced)\s+{_AMOUNT}\s*(?:and|to|up to|-|–)\s*{_AMOUNT}{_NOT_MONEY}", re.I
)
_RANGE = re.compile(
    rf"(?<![\w/])(?:{_SIGN}\s*{_NUMBER}\s*(?:-|–|to)\s*(?:{_SIGN}\s*)?{_NUMBER}"
    rf"|{_NUMBER}\s*(?:{_SIGN}\s*)?(?:-|–|to)\s*{_NUMBER}\s*{_SIGN}(?!\w))",
    re.I,
)
_UNDER = re.compile(rf"(?<!\w){_BELOW}\s*{_AMOUNT}{_NOT_MONEY}", re.I)
_OVER = re.compile(rf"(?<!\w){_ABOVE}\s*{_AMOUNT}{_NOT_MONEY}", re.I)
_OR_LESS = re.compile(
    rf"\b(?:for\s+)?{_AMOUNT}\s+(?:(?:or|and)\s+(?:less|under|below|cheaper)"
    rf"|(?:max(?:imum)?|tops|at most)(?!\s*[$€£¥]?\d))\b",
    re.I,
)
_OR_MORE = re.compile(rf"\b(?:for\s+)?{_AMOUNT}(?:\s+(?:or|and)\s+(?:more|over|above|up)\b|\s?\+)", re.I)
_FOR = re.compile(rf"\bfor\s+{_MONEY}", re.I)
_KINDS = (
    (_BETWEEN, "both"), (_RANGE, "both"), (_OR_LESS, "high"), (_OR_MORE, "low"), (_UNDER, "high"),
    (_OVER, "low"), (_FOR, "high"),
)  # fmt: skip
_CHEAPER = re.compile(
    r"(?<!not )\b(?:(?:a (?:bit|little)|much|something|somewhat)\s+)?"
    r"(?:cheaper|less (?:expensive|pricey|costly)|more affordable|(?:lower|better) (?:in )?price[ds]?"
    r"|not (?:so|as|that|more) (?:expensive|pricey|dear)|too (?:expensive|pricey|dear))\b(?!\s+th[ae]n\b)",
    re.I,
)
_DEARER = re.compile(r"\b(?:more (?:expensive|upmarket|luxurious)|pricier|dearer)\b(?!\s+th[ae]n\b)", re.I)
_SIZED = re.compile(r"\bsizes?\s*$", re.I)


def prices(words: str, digits: int = 2, beside: int | None = None, currency: str = "") -> Iterator[Chip]:
    """The prices asked for, in minor units of the shop's currency, with so many digits behind the point.

    One that is asked for in another has the same figures, and says so: nothing is converted. `beside` is
    the price of the product that the request is about: what is cheaper costs less than that.
    """
    taken: list[tuple[int, int]] = []
    for pattern, kind in _KINDS:
        for found in pattern.finditer(words):
            start, end = found.span()
            if any(start < b and a < end for a, b in taken) or _SIZED.search(words[:start]):
                continue
            taken.append((start, end))
            numbers = [_minor(each, digits) for each in found.groups() if each]
            low = None if kind == "high" else min(numbers)
            high = None if kind == "low" else max(numbers)
            said = found.group().strip()
            other = other_than(said, currency)
            yield Chip(Meaning("price", (), said), start, end, low=low, high=high, currency=other)
    if beside is not None and not taken:
        yield from _compared(words, beside)


def _compared(words: str, beside: int) -> Iterator[Chip]:
    """ "cheaper" than this price, or "pricier"; a price that is named in the request says more."""
    for pattern, low, high in ((_CHEAPER, None, beside - 1), (_DEARER, beside + 1, None)):
        if found := pattern.search(words):
            yield Chip(Meaning("price", (), found.group()), *found.span(), low=low, high=high)
            return


def _minor(number: str, digits: int) -> int:
    """ "1,200.50", "1.200,50", "49,99" and "49.99" in minor units; "1.200" as the digits have it."""
    if number.casefold() in _WRITTEN:
        return int(_WRITTEN[number.casefold()] * 10**digits)
    if number.casefold().endswith("k"):
        return _minor(number[:-1], digits) * 1000
    if re.fullmatch(_GROUPED, number):
        number = number.replace(",", "")
    elif re.fullmatch(_GROUPED_BY_POINTS, number) and (digits != 3 or number.count(".") > 1):
        number = number.replace(".", "")
    amount = Decimal(number.replace(",", "."))
    return int((amount * 10**digits).quantize(Decimal(1), ROUND_HALF_UP))
