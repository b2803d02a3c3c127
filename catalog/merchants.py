"""Finding a shop, and making one that is not there yet."""

from difflib import get_close_matches

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from catalog.models import Merchant, Product
from catalog.products import ensure_merchant, find_merchant


class MerchantUnknown(Exception):
    """There is no shop of that name; `message` and `fix` say so to an operator."""

    def __init__(self, slug: str, known: list[str]) -> None:
        self.message = f"There is no shop {slug!r}."
        self.fix = f"Name one of: {', '.join(known) or 'none yet'}. An import makes the one that it names."
        super().__init__(f"{self.message} {self.fix}")


def known_merchant(sessions: sessionmaker[Session], slug: str) -> Merchant:
    """The merchant of that slug: a word mistyped makes none. Raises MerchantUnknown."""
    with sessions() as session:
        known = find_merchant(session, slug)
        slugs = list(session.scalars(select(Merchant.slug).order_by(Merchant.slug).limit(20)))
    if known is None:
        raise MerchantUnknown(slug, slugs)
    return known


def empty_shop_notice(sessions: sessionmaker[Session], slug: str) -> str:
    """A sentence where a shop sells nothing and others do, as after a slip in its name; else nothing."""
    sells = exists().where(Product.merchant_id == Merchant.id, Product.deleted_at.is_(None))
    with sessions() as session:
        stocked = list(session.scalars(select(Merchant.slug).where(sells).order_by(Merchant.slug).limit(200)))
    if not stocked or slug in stocked:
        return ""
    near = get_close_matches(slug, stocked, n=1)
    meant = f"Did you mean {near[0]!r}?" if near else f"Those that do: {', '.join(stocked[:5])}."
    return f"The shop {slug!r} (TWIRL_SHOP) sells nothing, others do. {meant}"


def merchant_of(sessions: sessionmaker[Session], slug: str, name: str = "") -> Merchant:
    """The merchant of that slug; made, and called `name`, when missing.

    Every request asks: one that is there costs a read, and waits for no writer.
    """
    with sessions() as session:
        known = find_merchant(session, slug)
    if known is not None:
        return known
    try:
        with sessions.begin() as session:
            return ensure_merchant(session, slug, name)
    except IntegrityError:  # another process was first, on PostgreSQL
        with sessions.begin() as session:
            return ensure_merchant(session, slug, name)
