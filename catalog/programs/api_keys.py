"""Secret API keys: what lets a merchant's own programs read and change a shop, each only what it is for.

    twirl_secret_4f1d09ab_<43 letters>      a beginning that names the key, then 256 secret bits

Shown once, when it is made; kept is its SHA-256 only. A key that is drawn from 256 bits needs no slow hash:
nobody tries them out.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from catalog.clock import instant
from catalog.programs.search_keys import MAX_NAME, KeyRefused
from catalog.programs.tables import ApiKey

PREFIX = "twirl_secret_"
SCOPES = {
    "search": "search the shop as a shopper does",
    "search:unpublished": "search among what is not published yet, too",
    "catalogue:read": "read the shop's products and the fate of its imports",
    "catalogue:write": "create, change and delete products; import",
    "webhooks": "see and change who is told of events",
}
OVERLAP = timedelta(days=1)  # for which a rotated key goes on beside its successor
MOST = 100  # good keys of a shop
_SHAPE = re.compile(rf"({PREFIX}[0-9a-f]{{8}})_[A-Za-z0-9_-]{{43}}")
_NOBODY = hashlib.sha256(b"").hexdigest()  # what an unknown key is compared with
_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class SecretKey:
    """One key without its secret; `used_at` is when it was used last, to the minute."""

    id: int
    merchant_id: int
    prefix: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True)
class Issued:
    """A key that was made just now, with its secret: to be shown once."""

    secret: str
    key: SecretKey


def issue_key(
    session: Session,
    merchant_id: int,
    scopes: Iterable[str],
    name: str = "",
    lifetime: timedelta | None = None,
) -> Issued:
    """A new key for these scopes. Raises KeyRefused for none, an unknown one, or one key too many."""
    wanted = list(dict.fromkeys(scopes))
    unknown = [scope for scope in wanted if scope not in SCOPES]
    if unknown or not wanted:
        said = f"{unknown[0]!r:.60} is no scope." if unknown else "A key without a scope opens nothing."
        raise KeyRefused("bad-scope", said, f"Name some of: {', '.join(SCOPES)}.")
    if len(secret_keys(session, merchant_id)) >= MOST:
        raise KeyRefused("too-many-keys", f"The shop has {MOST} keys.", "Revoke those that nobody uses.")
    prefix = PREFIX + secrets.token_hex(4)
    secret = f"{prefix}_{secrets.token_urlsafe(32)}"
    at = instant(session)
    row = ApiKey(
        merchant_id=merchant_id, prefix=prefix, digest=_digest(secret), scopes=wanted, created_at=at,
        name=" ".join(name.split())[:MAX_NAME], expires_at=at + lifetime if lifetime else None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return Issued(secret, _key(row))


def find_key(session: Session, shown: str) -> SecretKey | None:
    """The good key that this is; None for one that is unknown, revoked or past its end.

    The beginning finds the row, which tells nobody anything: it is no secret. The rest is compared as a hash
    and in constant time, with a stand-in where there is no row.
    """
    match = _SHAPE.fullmatch(shown)
    row = session.scalar(select(ApiKey).where(ApiKey.prefix == match[1])) if match else None
    same = hmac.compare_digest(row.digest if row else _NOBODY, _digest(shown))
    if row is None or not same or row.revoked_at is not None:
        return None
    return None if row.expires_at is not None and row.expires_at <= instant(session) else _key(row)


def secret_keys(session: Session, merchant_id: int, gone: bool = False) -> list[SecretKey]:
    """The merchant's keys, the newest first; revoked ones and those past their end only when asked for."""
    mine = select(ApiKey).where(ApiKey.merchant_id == merchant_id).order_by(ApiKey.id.desc())
    if not gone:
        ends = or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > instant(session))
        mine = mine.where(ApiKey.revoked_at.is_(None), ends)
    return [_key(row) for row in session.scalars(mine)]


def rotate_secret_key(
    session: Session, merchant_id: int, named: str, overlap: timedelta = OVERLAP
) -> tuple[Issued, SecretKey]:
    """A successor with the same name and scopes, and the old key, which ends after the overlap.

    Raises KeyRefused. A key that ends sooner anyway is not made to last longer.
    """
    old = _named(session, merchant_id, named)
    ends = instant(session) + max(overlap, timedelta())
    if old.expires_at is not None:
        ends = min(ends, old.expires_at)
    session.execute(update(ApiKey).where(ApiKey.id == old.id).values(expires_at=ends))
    issued = issue_key(session, merchant_id, old.scopes, old.name)
    return issued, _key(session.get_one(ApiKey, old.id, populate_existing=True))


def revoke_secret_key(session: Session, merchant_id: int, named: str) -> SecretKey:
    """Make a key useless at once, for good; it may be named by its beginning. Raises KeyRefused."""
    found = _named(session, merchant_id, named)
    session.execute(update(ApiKey).where(ApiKey.id == found.id).values(revoked_at=instant(session)))
    return found


def note_secret_use(session: Session, key: SecretKey) -> None:
    """Write down that a key is used now, unless that was done within the last minute."""
    at = instant(session)
    stale = or_(ApiKey.used_at.is_(None), ApiKey.used_at < at - _NOTED_EVERY)
    session.execute(update(ApiKey).where(ApiKey.id == key.id, stale).values(used_at=at))


def was_noted(key: SecretKey, at: datetime) -> bool:
    """Whether the use of a key within this minute is written down already."""
    return key.used_at is not None and key.used_at > at - _NOTED_EVERY


def _named(session: Session, merchant_id: int, named: str) -> SecretKey:
    """The one good key that begins so, or whose whole secret this is."""
    mine = secret_keys(session, merchant_id)
    match = _SHAPE.fullmatch(named)
    begins = match[1] if match else named
    found = [each for each in mine if each.prefix.startswith(begins)] if begins else []
    if len(found) != 1:
        said = "No key begins so." if not found else "Several keys begin so."
        raise KeyRefused("no-such-key", said, "twirl keys lists them.")
    return found[0]


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _key(row: ApiKey) -> SecretKey:
    return SecretKey(
        row.id, row.merchant_id, row.prefix, row.name, tuple(row.scopes), row.created_at, row.used_at,
        row.expires_at, row.revoked_at,
    )  # fmt: skip
