"""Where a piece was found: a signed word in its links, so that what is chosen of a search can be counted.

The word names one search, the place of the piece and when it was; the shop signs it together with the sku,
so that nothing can be counted that was not shown. It says nothing of who searched, and is good for a day.
Nothing is made or counted for a browser that asks not to be followed (DNT, Sec-GPC).
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from flask import g, request
from sqlalchemy.exc import SQLAlchemyError
from structlog import get_logger

from catalog.insight.tables import KINDS
from searcher.encode import Vector
from searcher.errors import QueryRefused
from searcher.insight.events import Click, Events, Source
from searcher.query import SearchQuery
from searcher.results import Results
from web.services import merchant, services

log = get_logger("web")
NAME = "from"  # of the parameter that carries it
GOOD_S = 86_400
_SHAPE = struct.Struct(">8sHI")  # search, rank, minute
_MAC = 12  # bytes
_AHEAD_S = 120  # that another machine's clock may be before ours
_MOST_RANK = 0xFFFF
_ONWARD = re.compile(r"(.*)\.([0-9a-f]{16})([0-9a-f]{1,6})", re.DOTALL)  # a cursor, the search, hits before


@dataclass(frozen=True)
class Origins:
    """Of one page of results: makes the words of its pieces."""

    key: bytes
    merchant_id: int
    search: str
    first: int = 0
    minute: int = 0

    def of(self, at: int, sku: str) -> str:
        """For the piece at this place of the page (from 0); "" where nothing is to be counted."""
        rank = self.first + at + 1
        if not self.key or not self.search or rank > _MOST_RANK:
            return ""
        said = _SHAPE.pack(bytes.fromhex(self.search), rank, self.minute)
        return base64.urlsafe_b64encode(said + _mac(self.key, self.merchant_id, said, sku)).decode()


NOWHERE = Origins(b"", 0, "")


def followed() -> bool:
    """Whether this request may be counted: its browser does not ask otherwise, and is not guessing ahead."""
    if request.headers.get("DNT") == "1" or request.headers.get("Sec-GPC") == "1":
        return False
    return "prefetch" not in request.headers.get("Sec-Purpose", "")


def begun(query: SearchQuery) -> tuple[SearchQuery, str, int]:
    """The query with its own cursor, the name of the search that it goes on with, and the hits before."""
    onward = _ONWARD.fullmatch(query.cursor or "")
    if onward is None:
        return query, secrets.token_hex(8) if not query.cursor and followed() else "", 0
    return replace(query, cursor=onward[1]), onward[2] if followed() else "", int(onward[3], 16)


def named(results: Results, search: str, first: int) -> Results:
    """Results that know which search they are of; so does the next page."""
    following = results.next_cursor
    if following and search:
        following = f"{following}.{search}{first + len(results.hits):x}"
    return replace(results, next_cursor=following, search=search, first=first)


def note(query: SearchQuery, results: Results) -> None:
    """Keep a search. It must not fail for it."""
    if not followed():
        return
    services().query_log.note(query, results)
    events = _events()
    if results.search and events.on:
        events.searched(query, results, source(), _picture(query, results))


def of(results: Results) -> Origins:
    """For the pieces of a page of results."""
    if not results.search or results.mode == "browse":
        return NOWHERE
    return Origins(_key(), merchant().id, results.search, results.first, int(time.time()) // 60)


def note_chosen(word: str, skus: Iterable[str], kind: str) -> bool:
    """Count a piece that was chosen, named by one of these skus; whether the word is good for one of them.

    Never raises: a page must not fail for it.
    """
    if not followed() or not word or kind not in KINDS:
        return False
    key, shop = _key(), merchant().id
    click = next((found for sku in skus if (found := read(word, key, shop, sku, kind))), None)
    if click is not None:
        _events().chosen(click)
    return click is not None


def read(word: str, key: bytes, merchant_id: int, sku: str, kind: str) -> Click | None:
    """What a word says of a sku; None where it is not the shop's, of another piece, or too old."""
    try:
        whole = base64.b64decode(word.encode("ascii"), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    said, mac = whole[: _SHAPE.size], whole[_SHAPE.size :]
    if not key or len(mac) != _MAC or not hmac.compare_digest(mac, _mac(key, merchant_id, said, sku)):
        return None
    search, rank, minute = _SHAPE.unpack(said)
    if not -_AHEAD_S <= time.time() - minute * 60 <= GOOD_S:
        return None
    at = datetime.fromtimestamp(minute * 60, UTC)
    return Click(merchant_id, search.hex(), at, sku, rank, kind)


def source() -> Source:
    """What the search was made with."""
    if not request.path.startswith("/api/"):
        return "shop"
    return "embed" if "search_key" in g else "api"


def marked(url: str, word: str) -> str:
    """An address that says where it was found."""
    return f"{url}{'&' if '?' in url else '?'}{NAME}={word}" if word else url


def counts() -> bool:
    """Whether anything is counted at all."""
    return bool(_key())


def _picture(query: SearchQuery, results: Results) -> Vector | None:
    """The photo's vector, which was made a moment ago; None where it is not at hand."""
    if query.photo_id is None or query.reference is not None:
        return None
    try:
        model = services().searcher.models.held(results.model)
        return model.encoder.picture(query) if model else None
    except QueryRefused:  # the photo was forgotten meanwhile
        return None


def _key() -> bytes:
    """The shop's; b"" where nothing is kept, or the database is away."""
    try:
        return bytes.fromhex(_events().key(merchant().id))
    except SQLAlchemyError as error:
        log.warning("insight-key", cause=repr(error)[:200])
        return b""


def _events() -> Events:
    return services().events


def _mac(key: bytes, merchant_id: int, said: bytes, sku: str) -> bytes:
    whole = b"%d/%s/%s" % (merchant_id, said, sku.encode("utf-8", "replace"))
    return hmac.new(key, whole, hashlib.sha256).digest()[:_MAC]
