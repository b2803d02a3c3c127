"""Whose pictures are whose: a picture's address is its hash, and answers for the shop that shows it alone.

A page of another site shows pictures without showing its key: there the address says the shop.
"""

import threading
import time
from typing import cast

from flask import current_app, g, request
from sqlalchemy import ColumnElement, select

from catalog.models import Image, Merchant
from web.services import services

EXTENSION = "twirl-belonging"
FRESH_S = 600.0
MOST = 50_000


class Belonging:
    """Which pictures were found to be a shop's, as of a while ago. Thread-safe."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str], float] = {}
        self._guard = threading.Lock()

    def has(self, shop: str, sha256: str) -> bool:
        """Whether it was found within the last minutes."""
        return time.monotonic() < self._until.get((shop, sha256), 0.0)

    def note(self, shop: str, sha256: str) -> None:
        """Remember that it is the shop's."""
        with self._guard:
            if len(self._until) >= MOST:
                self._until.clear()
            self._until[shop, sha256] = time.monotonic() + FRESH_S


def belongs(sha256: str) -> bool:
    """Whether the shop of this request has, or had, a product with this picture."""
    name, mine = _shop()
    known = cast(Belonging, current_app.extensions.setdefault(EXTENSION, Belonging()))
    if known.has(name, sha256):
        return True
    found = select(Image.id).join(Merchant, Merchant.id == Image.merchant_id)
    with services().sessions() as session:
        there = session.scalar(found.where(Image.sha256 == sha256, mine).limit(1)) is not None
    if there:
        known.note(name, sha256)
    return there


def _shop() -> tuple[str, ColumnElement[bool]]:
    """The shop's name here, and what finds it: that of the key, of the address, or the one that is served."""
    key = g.get("secret_key") or g.get("search_key")
    if key is not None:
        return f"id:{key.merchant_id}", Image.merchant_id == key.merchant_id
    slug = request.args.get("shop", "")[:64].replace("\0", "") or services().settings.web.shop
    return slug, Merchant.slug == slug
