"""Search keys: what lets a page of another site search a shop. Public by nature: they stand in that page.

A key only searches, and only for pages of the origins that it is bound to (RFC 6454).
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from catalog.models import now
from catalog.operations import SearchKey

PREFIX = "twirl_search_"
MAX_ORIGINS = 50
MAX_NAME = 100
MAX_KEY = 64
_PORTS = {"http": 80, "https": 443}


class KeyRefused(ValueError):
    """A key that cannot be made or found: what is wrong, and what mends it."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(f"{message} {fix}")
        self.code, self.message, self.fix = code, message, fix


@dataclass(frozen=True)
class Key:
    """One key; `used_at` is about when it was used last."""

    id: int
    merchant_id: int
    key: str
    name: str
    origins: tuple[str, ...]
    created_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


def origin_of(address: str) -> str:
    """The origin of an address as browsers write it: "https://shop.example". Raises KeyRefused.

    An address without a scheme is taken for https.
    """
    fix = "Give it like https://shop.example, with a port where there is one."
    given = address.strip() if "://" in address else f"https://{address.strip()}"
    try:
        parts = urlsplit(given)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError as error:
        raise KeyRefused("bad-origin", f"{address!r:.80} is no address of a site.", fix) from error
    usable = parts.scheme in _PORTS and host and "*" not in host and not parts.username
    if not usable or not all(sign.isalnum() or sign in "-._:" for sign in host):
        raise KeyRefused("bad-origin", f"{address!r:.80} is no address of a site.", fix)
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}" + (f":{port}" if port and port != _PORTS[parts.scheme] else "")


def create_key(session: Session, merchant_id: int, addresses: Sequence[str], name: str = "") -> Key:
    """A new key for pages of these sites. Raises KeyRefused."""
    origins = list(dict.fromkeys(map(origin_of, addresses)))
    if not 1 <= len(origins) <= MAX_ORIGINS:
        raise KeyRefused(
            "bad-origin", "A search key is for some sites.", f"Name 1 to {MAX_ORIGINS}: --origin https://…"
        )
    row = SearchKey(
        merchant_id=merchant_id, key=PREFIX + secrets.token_urlsafe(24), origins=origins,
        name=" ".join(name.split())[:MAX_NAME],
    )  # fmt: skip
    session.add(row)
    session.flush()
    return _key(row)


def search_keys(session: Session, merchant_id: int, revoked: bool = False) -> list[Key]:
    """The merchant's keys, the newest first; those that were revoked only when asked for."""
    mine = select(SearchKey).where(SearchKey.merchant_id == merchant_id).order_by(SearchKey.id.desc())
    rows = session.scalars(mine if revoked else mine.where(SearchKey.revoked_at.is_(None)))
    return [_key(row) for row in rows]


def find_search_key(session: Session, shown: str) -> Key | None:
    """The good key that this is, of whichever shop; or None."""
    if not shown.startswith(PREFIX) or len(shown) > MAX_KEY or not shown.isascii():
        return None
    same = SearchKey.key == shown, SearchKey.revoked_at.is_(None)
    row = session.scalar(select(SearchKey).where(*same))
    return None if row is None else _key(row)


def bound_origins(session: Session) -> frozenset[str]:
    """The origins of all good keys of all shops."""
    good = select(SearchKey.origins).where(SearchKey.revoked_at.is_(None))
    return frozenset(origin for origins in session.scalars(good) for origin in origins)


def revoke_key(session: Session, merchant_id: int, key: str) -> Key:
    """Make a key useless, for good; it may be named by its beginning. Raises KeyRefused."""
    found = [each for each in search_keys(session, merchant_id) if each.key.startswith(key)] if key else []
    if len(found) != 1:
        said = "No key begins so." if not found else "Several keys begin so."
        raise KeyRefused("no-such-key", said, "twirl keys lists them.")
    session.execute(update(SearchKey).where(SearchKey.id == found[0].id).values(revoked_at=now()))
    return found[0]


def note_use(session: Session, key_id: int) -> None:
    """Write down that a key is used now."""
    session.execute(update(SearchKey).where(SearchKey.id == key_id).values(used_at=now()))


def _key(row: SearchKey) -> Key:
    origins = tuple(row.origins)
    return Key(
        row.id, row.merchant_id, row.key, row.name, origins, row.created_at, row.used_at, row.revoked_at
    )  # fmt: skip
