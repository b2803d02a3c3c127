"""Finding a shop, making one that is not there yet, and saying what its prices are in."""

import json
from difflib import get_close_matches

from sqlalchemy import exists, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from catalog.changes import note_change
from catalog.currency import CurrencyRefused, currency_of
from catalog.feeds.prices import CURRENCIES
from catalog.importing.befores import forget_befores
from catalog.models import Merchant, Product
from catalog.products import ensure_merchant, find_merchant
from catalog.rulebooks import rulebook


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


def set_currency(session: Session, merchant_id: int, code: str) -> bool:
    """Say what the shop's prices are in; False where they are already. Raises CurrencyRefused.

    After a change the last import can no longer be taken back: it could bring prices in the old currency.
    """
    turn = select(Merchant.currency).where(Merchant.id == merchant_id).with_for_update(key_share=True)
    held = session.scalars(turn).one()  # imports take the same turn
    code = check_currency(session, merchant_id, code)
    if held == code:
        return False
    if held:
        forget_befores(session, merchant_id)
    session.execute(update(Merchant).where(Merchant.id == merchant_id).values(currency=code))
    note_change(session, [merchant_id])
    return True


def check_currency(session: Session, merchant_id: int, code: str) -> str:
    """The ISO code that is meant, if the shop's prices may be in it. Raises CurrencyRefused.

    Another than it has may be while no item has a price, and no rule names one.
    """
    code = code.strip().upper()
    if code not in CURRENCIES:
        fix = "Write its ISO 4217 code, such as EUR."
        raise CurrencyRefused("currency-unknown", f"{code[:20]!r} is no currency.", fix)
    held = currency_of(session, merchant_id)
    if held != code:
        _refuse_in_use(session, merchant_id, code)
    if held not in ("", code):
        _refuse_in_rules(session, merchant_id, code)
    return code


def priced_in(session: Session, merchant_id: int) -> dict[str, int]:
    """{currency: items that have a price in it}, hidden ones too; more than one only from older releases."""
    mine = (
        Product.merchant_id == merchant_id,
        Product.deleted_at.is_(None),
        Product.price_minor.is_not(None),
    )
    counted = select(Product.currency, func.count()).where(*mine).group_by(Product.currency)
    return {currency: many for currency, many in session.execute(counted)}  # noqa: C416 - rows are no pairs


def _refuse_in_use(session: Session, merchant_id: int, code: str) -> None:
    for currency, many in priced_in(session, merchant_id).items():
        if currency != code:
            have = "1 item has its price" if many == 1 else f"{many} items have their prices"
            raise CurrencyRefused(
                "currency-in-use",
                f"{have} in {currency}, and nothing converts them.",
                f"Take the import back (twirl undo-import) or delete the items, then make it {code}.",
            )


def _refuse_in_rules(session: Session, merchant_id: int, code: str) -> None:
    if '"price_m' in json.dumps(rulebook(session, merchant_id).content):
        raise CurrencyRefused(
            "currency-in-rules",
            "Rules name prices, which would mean others.",
            f"Take the prices out of the rules and publish them, then make it {code}.",
        )
