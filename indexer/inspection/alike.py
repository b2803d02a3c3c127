"""Which items show the same picture: byte for byte, or saved again, resized or cropped a little.

The bytes' hash tells the first; for the second the vectors say whom to compare with, and the pictures
themselves decide: garments that differ in one attribute are neighbours too, and no duplicates. Variants of
one group may share their picture.
"""

from collections.abc import Sequence

from sqlalchemy import select

from catalog.models import Image, Product
from catalog.pictures.decoder import read_rendition
from catalog.storage.blobs import BlobMissing, Blobs
from indexer.claims import Sessions
from indexer.inspection.knowledge import Near
from indexer.inspection.same import Pixels, same_picture
from vectors.protocol import VectorStore

CLOSE = 0.93  # likeness below which pictures are not compared
COMPARED = 6  # neighbours at most
SIZE = 480  # of the renditions that are compared
MOST_EXACT = 50


class Alike:
    """Finds the duplicates of the items of one shop; remembers the pictures of one batch."""

    def __init__(
        self, sessions: Sessions, blobs: Blobs, store: VectorStore, collection: str, merchant_id: int
    ) -> None:
        self._sessions, self._blobs, self._merchant_id = sessions, blobs, merchant_id
        self._pictures: dict[str, Pixels | None] = {}

    def twins(self, product: Product, image: Image, near: Sequence[Near]) -> set[int]:
        """Ids of other items whose main picture is this one."""
        close = [each.product for each in near[:COMPARED] if each.likeness >= CLOSE]
        with self._sessions() as session:
            same = select(Product.id).join(Image, Image.product_id == Product.id).where(
                Image.sha256 == image.sha256, Image.merchant_id == self._merchant_id, Image.position == 0,
                Product.id != product.id, Product.item_group_id != product.item_group_id,
                Product.deleted_at.is_(None),
            )  # fmt: skip
            found = set(session.scalars(same.limit(MOST_EXACT)))
            theirs = select(Image.product_id, Image.sha256).where(
                Image.product_id.in_([each.id for each in close]), Image.position == 0
            )
            pictures = {product_id: sha256 for product_id, sha256 in session.execute(theirs)}  # noqa: C416
        mine = self._picture(str(image.sha256))
        for other in close:
            theirs_is = self._picture(pictures.get(other.id) or "") if other.id not in found else None
            if mine is not None and theirs_is is not None and same_picture(mine, theirs_is):
                found.add(other.id)
        return found

    def _picture(self, sha256: str) -> Pixels | None:
        """(H, W, 3) of a rendition; None where there is none."""
        if sha256 and sha256 not in self._pictures:
            try:
                self._pictures[sha256] = read_rendition(self._blobs.read(sha256, SIZE))
            except BlobMissing:
                self._pictures[sha256] = None
        return self._pictures.get(sha256)
