"""Cells -> clean values: text without markup, availability, links."""

import json
import re
import unicodedata
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

MAX_LINK = 2000

# Control characters (but tab and line feed), and halves of surrogate pairs, which no database takes.
_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufeff]")
_SPACE = re.compile(r"\s+")
_MARKUP = re.compile(r"</?[a-zA-Z!][^<]*>|&#?\w+;")
_AVAILABILITY = {
    "in_stock": "instock available availablenow yes true 1 limitedavailability limitedstock onlineonly",
    "out_of_stock": "outofstock soldout unavailable notavailable discontinued no false 0",
    "preorder": "preorder presale comingsoon",
    "backorder": "backorder backordered availablefororder",
}
_BLOCK_TAGS = """address article blockquote br dd div dl dt footer h1 h2 h3 h4 h5 h6 header hr li ol p section
table td th tr ul"""
_SPELLINGS = {word: ours for ours, words in _AVAILABILITY.items() for word in words.split()}


def clean(text: str) -> str:
    """Return the text in NFC without control characters and without space at its ends; lines are kept."""
    if not text.isascii() or _UNWANTED.search(text):
        text = unicodedata.normalize("NFC", _UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))
    return text.strip()


def one_line(text: str) -> str:
    """Return clean text on one line, markup removed."""
    return _SPACE.sub(" ", plain_text(text)).strip()


def plain_text(text: str) -> str:
    """Return clean text; where it is HTML, what a reader would see of it, a line per block."""
    text = clean(text)
    if not _MARKUP.search(text):
        return text
    if "<" not in text:
        return clean(unescape(text))
    reader = _Reader()
    reader.feed(text)
    reader.close()
    lines = (_SPACE.sub(" ", line).strip() for line in "".join(reader.parts).split("\n"))
    return clean("\n".join(line for line in lines if line))


class _Reader(HTMLParser):
    """Collects the text of a page: blocks end a line, scripts and styles say nothing."""

    _BLOCKS = frozenset(_BLOCK_TAGS.split())
    _SILENT = frozenset(("script", "style", "template", "title", "head"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._SILENT:
            self._silent += 1
        elif tag in self._BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in self._BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


def as_text(value: Any) -> str:
    """Return a cell as text: JSON feeds also hold numbers, booleans and lists of words."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        return "/".join(map(as_text, value))
    return json.dumps(value, ensure_ascii=False)


def cleaned_json(value: Any) -> Any:
    """Return a JSON value whose every text is clean."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [cleaned_json(one) for one in value]
    if isinstance(value, dict):
        return {clean(name): cleaned_json(one) for name, one in value.items()}
    return value


def availability(text: str) -> str | None:
    """Return "in_stock", "out_of_stock", "preorder" or "backorder"; None for words that mean none of them."""
    word = text.casefold().rstrip("/").rsplit("/", 1)[-1]  # "https://schema.org/InStock"
    return _SPELLINGS.get(re.sub(r"[\s_-]+", "", word))


def category_path(text: str) -> str:
    """Return "Women > Dresses" for the ways in which feeds write a path; a bare number is no path.

    A slash parts where nothing else does: "Women/Dresses" is a path, "Women > Tops/Shirts" has two parts.
    """
    text = one_line(text)
    parts = [part.strip() for part in re.split(r"[>›»]" if re.search(r"[>›»]", text) else "/", text)]
    path = " > ".join(part for part in parts if part)
    return "" if path.isdecimal() else path


def is_url(text: str) -> bool:
    """Say whether the text is an http or https URL with a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def image_names(value: Any) -> list[str]:
    """Return the links or file names of a cell: a list, or text with commas or bars between them."""
    if isinstance(value, list):
        return [name for one in value for name in image_names(one)]
    text = clean(as_text(value))
    if text.lower().startswith(("http://", "https://")):  # a URL may hold commas of its own
        names = re.split(r"[\s,|;]+(?=https?://)", text)
    else:
        names = re.split(r"[,|\n]", text)
    return [name for one in names if (name := one.strip().strip('"'))]
