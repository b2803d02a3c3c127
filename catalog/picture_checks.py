"""Pictures at addresses that are asked for again: whether they are others by now.

    ask -> check_at is now -> a worker moves it a lease ahead and asks the host
             the same               -> check_at is none
             other bytes            -> check_at is none; they take the old ones' place
             it failed              -> later again, or it is said at the picture

`Image.check_at` has nothing to do with `Image.state`: while a picture is asked about it stays what it is,
live and in every index, and so it does where asking fails.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, text, update
from sqlalchemy.orm import Session

from catalog.changes import note_change
from catalog.clock import instant
from catalog.models import BULK, CHECKED, Image, Product
from catalog.products import requeue, rows_to_change

_SETTLED: Mapping[str, Any] = {"check_at": None, "check_attempts": 0, "check_code": "", "check_message": ""}


@dataclass(frozen=True)
class NewBytes:
    """What an address gives by now: renditions of it are kept."""

    sha256: str
    width: int
    height: int
    etag: str
    last_modified: str


@dataclass(frozen=True)
class Held:
    """A picture that a worker asks about: the row as it was then, and until when it is that worker's."""

    image_id: int
    sku: str
    source: str
    sha256: str
    until: datetime

    @property
    def still(self) -> ColumnElement[bool]:
        """Whether the row is still about the same bytes, and nobody else's."""
        return and_(
            Image.id == self.image_id, Image.check_at == self.until, Image.source == self.source,
            Image.sha256 == self.sha256,
        )  # fmt: skip


def ask(session: Session, merchant_id: int, skus: Collection[str]) -> int:
    """Have the pictures of these products that came from addresses asked about; of how many products.

    One that waits already is left as it is: its host may have said when it wants to be asked.
    """
    return _ask(session, merchant_id, Product.sku.in_(skus))


def ask_items(session: Session, merchant_id: int, product_ids: Collection[int]) -> int:
    """The same of products by their ids."""
    return _ask(session, merchant_id, Product.id.in_(product_ids))


def _ask(session: Session, merchant_id: int, which: ColumnElement[bool]) -> int:
    found = select(Image.id, Image.product_id).join(Image.product).where(
        Product.merchant_id == merchant_id, which, Product.deleted_at.is_(None), Image.removed.is_(False),
        Image.sha256.is_not(None), Image.source.like("http%"), Image.check_at.is_(None),
    )  # fmt: skip
    locked = found.order_by(Image.id).with_for_update(of=Image, key_share=True)
    products = {row.id: row.product_id for row in session.execute(locked)}
    if products:
        asked = update(Image).where(Image.id.in_(products))
        values = {**_SETTLED, "check_at": instant(session)}
        session.execute(asked.values(values), execution_options={"synchronize_session": False})
    return len(set(products.values()))


def count_checks(session: Session, merchant_id: int) -> tuple[int, int]:
    """(how many of a merchant's pictures are still to be asked about, of how many asking failed)."""
    mine = Image.merchant_id == merchant_id
    asked = select(func.count()).where(mine, text(CHECKED), Image.check_code == "")
    failed = select(func.count()).where(mine, Image.check_code != "")
    waiting, lost = (session.scalar(each.select_from(Image)) for each in (asked, failed))
    return int(waiting or 0), int(lost or 0)


def note_same(session: Session, held: Sequence[Held], etag: str, last_modified: str) -> None:
    """Their hosts say that they are as they were, or give the same bytes."""
    said = {**_SETTLED, "etag": etag, "last_modified": last_modified, "fetched_at": instant(session)}
    for each in held:
        session.execute(update(Image).where(each.still).values(said))


def note_failed(
    session: Session, held: Sequence[Held], code: str, message: str, again_at: datetime | None, attempts: int
) -> None:
    """Asking failed: it is tried again at an instant, or not by itself. The pictures stay."""
    said = {
        "check_at": again_at, "check_attempts": attempts if again_at else 0, "check_code": code[:64],
        "check_message": message[:1000],
    }  # fmt: skip
    for each in held:
        session.execute(update(Image).where(each.still).values(said))


def let_go(session: Session, held: Sequence[Held], attempts: int) -> None:
    """Nobody was asked: as if they had never been taken."""
    free = {"check_at": instant(session), "check_attempts": attempts}
    for each in held:
        session.execute(update(Image).where(each.still).values(free))


def put_new_bytes(session: Session, merchant_id: int, held: Sequence[Held], new: NewBytes) -> list[int]:
    """Let new bytes take the old ones' place, to be embedded as any others; the products that have changed.

    Until their vectors are written, those of the old bytes stay in the indexes. The product's `rev` is that
    of before: no feed and no hand has changed it.
    """
    rows = rows_to_change(session, merchant_id, sorted({each.sku for each in held}))
    images = {image.id: (row, image) for row in rows.values() for image in row.every_image}
    changed = [each for each in held if each.image_id in images and _is_still(images[each.image_id], each)]
    at = instant(session)
    for each in changed:
        product, image = images[each.image_id]
        image.forget_host()
        image.sha256, image.width, image.height, image.fingerprint = new.sha256, new.width, new.height, ""
        image.etag, image.last_modified, image.fetched_at = new.etag, new.last_modified, at
        image.check_attempts = 0
        requeue(product, image, BULK)
    if changed:
        session.flush()
        note_change(session, [merchant_id])
    return sorted({images[each.image_id][0].id for each in changed})


def _is_still(found: tuple[Product, Image], held: Held) -> bool:
    product, image = found
    same = (image.check_at, image.source, image.sha256) == (held.until, held.source, held.sha256)
    return same and not image.removed and product.deleted_at is None
