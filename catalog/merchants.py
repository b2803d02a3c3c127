"""Finding a shop, and making one that is not there yet."""

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from catalog.models import Merchant
from catalog.products import ensure_merchant, find_merchant


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
