"""A new shop for a new user."""

import re
import secrets
import unicodedata

from sqlalchemy.orm import Session

from accounts.members import join
from catalog.models import Merchant
from catalog.products import ensure_merchant, find_merchant

# First parts of the console's own addresses: /console/login is no shop.
RESERVED = frozenset({"account", "confirm", "forgotten", "join", "login", "logout", "reset", "signup"})


def slug_of(name: str) -> str:
    """A shop's name as part of an address: "Café Möller" is "cafe-moller"."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48] or "shop"


def open_shop(session: Session, user_id: int, name: str) -> Merchant:
    """A new shop of that name, owned by that user; its slug is one that no shop has."""
    slug = stem = slug_of(name)
    while slug in RESERVED or find_merchant(session, slug) is not None:
        slug = f"{stem}-{secrets.token_hex(3)}"
    merchant = ensure_merchant(session, slug, name)
    join(session, user_id, merchant.id, "owner")
    return merchant
