"""The pictures of an item by hand: replaced, added, put in another order, taken out.

A picture that only moves keeps its bytes: nothing is fetched or decoded again, only its vector is made anew
at its new place.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from catalog.items.editing import item_to_change
from catalog.models import MAX_POSITION, Image, Product
from catalog.products import note_edit

MOST = MAX_POSITION + 1


class PicturesRefused(Exception):
    """An order of pictures that an item cannot have: `code`, `message`, `fix`."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(f"{message} {fix}")
        self.code, self.message, self.fix = code, message, fix


@dataclass(frozen=True)
class Shown:
    """One place: the picture that the image row `image_id` has now, or a new `source`."""

    image_id: int | None = None
    source: str = ""


@dataclass(frozen=True)
class _Bytes:
    source: str
    sha256: str | None = None
    width: int | None = None
    height: int | None = None


def shown(images: Iterable[Image]) -> list[Shown]:
    """What an item shows now: its pictures as they are, the main one first."""
    return [Shown(image.id) for image in images if not image.removed]


def arrange_pictures(
    session: Session,
    merchant_id: int,
    product_id: int,
    rev: int,
    wanted: Sequence[Shown],
    keep: bool = False,
) -> None:
    """Give an item these pictures in this order; with `keep`, no feed changes them from now on.

    Raises ItemGone, ItemOvertaken and PicturesRefused.
    """
    product = item_to_change(session, merchant_id, product_id, rev)
    if not 1 <= len(wanted) <= MOST:
        raise PicturesRefused(
            "pictures-count",
            f"An item has 1 to {MOST} pictures, not {len(wanted)}.",
            "Hide the item to take it out of the shop." if not wanted else "Take some out.",
        )
    _place(product, [_bytes(product, each) for each in wanted])
    if keep and "images" not in product.locked:
        product.locked = sorted({*product.locked, "images"})
    if "images" not in product.locked:
        product.content_hash = ""  # the next feed has its say again
    note_edit(session, product)


def _bytes(product: Product, place: Shown) -> _Bytes:
    if place.image_id is None:
        return _Bytes(place.source)
    for image in product.every_image:
        if image.id == place.image_id and not image.removed:
            return _Bytes(image.source, image.sha256, image.width, image.height)
    raise PicturesRefused("picture-gone", "One of these pictures is gone.", "Open the item again.")


def _place(product: Product, wanted: Sequence[_Bytes]) -> None:
    """Move the bytes between the rows: a row is a position, and a position is a point of the index."""
    rows = {image.position: image for image in product.every_image}
    for position, its in enumerate(wanted):
        image = rows.pop(position, None)
        if image is None:
            image = Image(position=position, source=its.source, merchant_id=product.merchant_id)
            product.every_image.append(image)
        elif image.source != its.source or image.sha256 != its.sha256:
            image.fingerprint = ""  # the indexes' vectors are of other bytes
            image.forget_host()
        image.source, image.sha256 = its.source, its.sha256
        image.width, image.height, image.removed = its.width, its.height, False
    for image in rows.values():
        image.removed = True
