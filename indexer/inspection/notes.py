"""What was found about items, written down: the look itself, what is to be mended, who is alike."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from catalog.items.tables import ItemHint, ItemLook
from catalog.models import Product, now
from indexer.claims import Sessions


@dataclass(frozen=True)
class Note:
    """Of one item at one rev: `hints` are {code: (suggested value, confidence)}, `twins` other items' ids."""

    product_id: int
    rev: int
    sha256: str
    facts: Mapping[str, Any]
    hints: Mapping[str, tuple[str, float]]
    twins: Iterable[int]


def write_notes(sessions: Sessions, merchant_id: int, fingerprint: str, notes: Sequence[Note]) -> None:
    """Write them in one short transaction; items that are gone by now are left out."""
    with sessions.begin() as session:
        mine = select(Product.id).where(Product.merchant_id == merchant_id, Product.deleted_at.is_(None))
        named = {note.product_id for note in notes} | {twin for note in notes for twin in note.twins}
        # They stay until the end: nobody purges them between this and the insert.
        there = mine.where(Product.id.in_(named)).order_by(Product.id)
        alive = set(session.scalars(there.with_for_update(read=True, key_share=True)))
        for note in notes:
            if note.product_id in alive:
                _write(session, merchant_id, fingerprint, note)
        for note in notes:
            if note.product_id in alive:
                _join(session, note.product_id, {twin for twin in note.twins if twin in alive})


def _write(session: Session, merchant_id: int, fingerprint: str, note: Note) -> None:
    look = session.get(ItemLook, note.product_id)
    same = look is not None and look.sha256 == note.sha256
    if look is None:
        look = ItemLook(product_id=note.product_id, merchant_id=merchant_id)
        session.add(look)
    if not same and look.alike is not None:  # what it was alike was another picture
        group, look.alike = look.alike, None
        session.flush()
        _dissolve(session, group)
    look.rev, look.sha256, look.fingerprint, look.at = note.rev, note.sha256, fingerprint, now()
    look.facts = dict(note.facts)
    theirs = select(ItemHint).where(ItemHint.product_id == note.product_id)
    known = {hint.code: hint for hint in session.scalars(theirs)}
    for code, (value, confidence) in note.hints.items():
        hint = known.pop(code, None)
        if hint is None:
            hint = ItemHint(merchant_id=merchant_id, product_id=note.product_id, code=code)
            session.add(hint)
        elif not same and not code.startswith("missing-"):
            hint.dismissed = False  # of another picture
        hint.value, hint.confidence = value, confidence
    for hint in known.values():
        session.delete(hint)
    session.flush()


def _join(session: Session, product_id: int, twins: set[int]) -> None:
    """Put an item into one group with its twins, or out of the group that it was in."""
    group = session.scalar(select(ItemLook.alike).where(ItemLook.product_id == product_id))
    if not twins:
        if group is not None:
            session.execute(update(ItemLook).where(ItemLook.product_id == product_id).values(alike=None))
            _dissolve(session, group)
        return
    members = select(ItemLook.alike).where(ItemLook.product_id.in_({product_id, *twins}))
    groups = {each for each in session.scalars(members) if each is not None}
    head = min({product_id, *twins, *groups})
    session.execute(update(ItemLook).where(ItemLook.product_id.in_({product_id, *twins})).values(alike=head))
    if groups - {head}:
        session.execute(update(ItemLook).where(ItemLook.alike.in_(groups)).values(alike=head))


def _dissolve(session: Session, group: int) -> None:
    """A group of one is none."""
    left = session.scalar(select(func.count()).where(ItemLook.alike == group))
    if left == 1:
        session.execute(update(ItemLook).where(ItemLook.alike == group).values(alike=None))
