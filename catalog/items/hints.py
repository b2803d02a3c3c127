"""What is to be mended, as a merchant works it off: counted, listed, accepted, dismissed; and duplicates."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from catalog.items.editing import LOCKS, Edit, ItemGone, edit_item, item_to_change
from catalog.items.listing import Item, ItemFilter, ItemPage, items_page, read_items
from catalog.items.tables import ItemHint, ItemLook

MISSING = "missing-"  # how the codes of hints begin that may name a value
GROUPS = 20  # of one page


@dataclass(frozen=True)
class Suggested:
    """A value that a model would fill in, and how often such a suggestion was right."""

    value: str
    confidence: float


@dataclass(frozen=True)
class HintPage:
    """Items with one hint, and what is suggested for them by product id."""

    page: ItemPage
    suggested: dict[int, Suggested]


def count_hints(session: Session, merchant_id: int) -> dict[str, int]:
    """{code: items} of what is not dismissed."""
    mine = select(ItemHint.code, func.count()).where(ItemHint.merchant_id == merchant_id, ~ItemHint.dismissed)
    return {code: int(n) for code, n in session.execute(mine.group_by(ItemHint.code))}


def hint_page(session: Session, merchant_id: int, code: str, below: int | None = None) -> HintPage:
    """A page of the items with this hint."""
    page = items_page(session, merchant_id, ItemFilter(hint=code), below)
    ids = [item.product.id for item in page.items]
    theirs = select(ItemHint).where(ItemHint.product_id.in_(ids), ItemHint.code == code, ItemHint.value != "")
    found = {each.product_id: Suggested(each.value, each.confidence) for each in session.scalars(theirs)}
    return HintPage(page, found)


def field_of(code: str) -> str:
    """The field that a hint of a missing attribute is about; "" for other hints."""
    name = code.removeprefix(MISSING).replace("-", "_") if code.startswith(MISSING) else ""
    return name if name in LOCKS else ""


def accept(session: Session, merchant_id: int, code: str, product_ids: Sequence[int]) -> list[int]:
    """Fill in what is suggested for these items; return the ids of those that were changed.

    The field is locked: a feed that says nothing of it would take it away again.
    """
    changed = []
    name = field_of(code)
    for product_id in product_ids if name else ():
        mine = (ItemHint.merchant_id == merchant_id, ItemHint.product_id == product_id, ItemHint.code == code)
        hint = session.scalar(select(ItemHint).where(*mine))
        if hint is None or not hint.value:
            continue
        try:
            product = item_to_change(session, merchant_id, product_id)
        except ItemGone:
            continue
        if not getattr(product, name):
            locked = frozenset({*product.locked, name})
            edit_item(session, merchant_id, product_id, Edit(product.rev, {name: hint.value}, locked))
            changed.append(product_id)
        session.delete(hint)
    session.flush()
    return changed


def dismiss(session: Session, merchant_id: int, code: str, product_ids: Sequence[int]) -> int:
    """Say of these items that the hint is none; return how many."""
    mine = (ItemHint.merchant_id == merchant_id, ItemHint.code == code, ~ItemHint.dismissed)
    gone = update(ItemHint).where(*mine, ItemHint.product_id.in_(list(product_ids))).values(dismissed=True)
    return int(session.execute(gone).rowcount)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class AlikePage:
    """Groups of items that show one picture, and what the next page goes on behind; None at the end."""

    groups: list[list[Item]]
    following: int | None = None


def alike_page(session: Session, merchant_id: int, after: int = 0, limit: int = GROUPS) -> AlikePage:
    """A page of groups of duplicates."""
    mine = (ItemLook.merchant_id == merchant_id, ItemLook.alike > after)
    heads = select(ItemLook.alike).where(*mine).group_by(ItemLook.alike).having(func.count() > 1)
    found = [each for each in session.scalars(heads.order_by(ItemLook.alike).limit(limit + 1)) if each]
    members = select(ItemLook.alike, ItemLook.product_id).where(
        ItemLook.merchant_id == merchant_id, ItemLook.alike.in_(found[:limit])
    )
    ids: dict[int, list[int]] = {}
    for head, product_id in session.execute(members.order_by(ItemLook.product_id)):
        ids.setdefault(int(head or 0), []).append(product_id)
    items = {
        item.product.id: item
        for item in read_items(session, merchant_id, [each for some in ids.values() for each in some])
    }
    groups = [[items[each] for each in ids[head] if each in items] for head in found[:limit]]
    following = found[limit - 1] if len(found) > limit else None
    return AlikePage([group for group in groups if len(group) > 1], following)
