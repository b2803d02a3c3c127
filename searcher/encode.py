"""What the shopper gives -> the vectors that meet the index. What was encoded a moment ago is remembered."""

from collections import OrderedDict
from collections.abc import Sequence
from contextlib import nullcontext
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session, sessionmaker

from catalog.identity import collection_name, point_id, point_ids
from catalog.models import Product
from catalog.products import find_product
from searcher.admission import Admission
from searcher.crop import Crop
from searcher.errors import QueryRefused
from searcher.garments import garments
from searcher.photos import QueryPhotos
from searcher.query import SearchQuery
from searcher.results import ProductHit
from vectors.protocol import CollectionMissing, VectorStore

if TYPE_CHECKING:  # the pack brings torch: who passes one in has it
    from embedding.pack import Pack

Vector = NDArray[np.float32]
_REMEMBERED = 2048  # vectors; some 2 KB each


class Encoder:
    """Encodes queries with one pack, and reads the vectors that it has made. Thread-safe."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        pack: "Pack",
        store: VectorStore,
        photos: QueryPhotos,
        admission: Admission | None = None,
    ) -> None:
        self.sessions, self.pack, self.store, self.photos = sessions, pack, store, photos
        self.admission = admission or Admission()
        self.collection = collection_name(pack.fingerprint)
        self._words: OrderedDict[str, Vector] = OrderedDict()
        self._photos: OrderedDict[str, Vector] = OrderedDict()
        self._garments: OrderedDict[str, list[Crop]] = OrderedDict()
        self._guard = Lock()

    def text(self, words: str) -> Vector | None:
        """(T,) of the words, None where there are none. Raises ModelAway."""
        if not words:
            return None
        known = self._recall(self._words, words)
        if known is not None:
            return known
        with self.admission.turn():
            encoded = self.pack.encode_texts([words])[0]
        return self._keep(self._words, words, encoded)

    def picture(self, query: SearchQuery) -> Vector | None:
        """(D,) of the photo, of the reference's main image, or midway between them; None without either.

        Raises QueryRefused for a photo that is no longer kept and for an item that cannot be a reference,
        ModelAway.
        """
        given = [self._photo(query), self._reference(query)]
        rows = [row for row in given if row is not None]
        if len(rows) < 2:
            return rows[0] if rows else None
        mean = np.sum(rows, axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)

    def _photo(self, query: SearchQuery) -> Vector | None:
        if query.photo is not None:
            return self._encode(query.photo if query.crop is None else query.crop.of(query.photo))
        if query.photo_id is None:
            return None
        name = f"{query.photo_id} {query.crop}"
        known = self._recall(self._photos, name)
        if known is not None and self.photos.has(query.photo_id):  # never by what was deleted
            return known
        pixels = self.photos.get(query.photo_id)
        if pixels is None:
            raise QueryRefused(
                "photo-gone", "This photo is no longer kept.", "Add the photo again.", "photo_id"
            )
        part = pixels if query.crop is None else query.crop.of(pixels)
        return self._keep(self._photos, name, self._encode(part))

    def garments(self, photo_id: str) -> list[Crop]:
        """Where the garments of a kept photo are; none where it is gone or the pack cannot tell.

        Raises ModelAway.
        """
        with self._guard:
            if photo_id in self._garments:
                return self._garments[photo_id]
        pixels = self.photos.get(photo_id)
        with self.admission.turn() if pixels is not None else nullcontext():
            patches = None if pixels is None else self.pack.patches(pixels)
        found = [] if patches is None else garments(patches)
        with self._guard:
            self._garments[photo_id] = found
            while len(self._garments) > _REMEMBERED:
                self._garments.popitem(last=False)
        return found

    def _encode(self, pixels: NDArray[np.uint8]) -> Vector:
        with self.admission.turn():
            row: Vector = self.pack.encode_images([pixels])[0]  # (1, D) -> (D,)
        return row

    def _reference(self, query: SearchQuery) -> Vector | None:
        if query.reference is None:
            return None
        vector = self.of_product(self.product(query.merchant_id, query.reference))
        if vector is None:
            raise QueryRefused(
                "reference-not-indexed", "This item is not searchable yet.",
                "Wait until its picture is indexed, or search with a photo.", "reference",
            )  # fmt: skip
        return vector

    def product(self, merchant_id: int, sku: str) -> Product:
        """The item with its images. Raises QueryRefused when a shopper may not see it."""
        with self.sessions() as session:
            found = find_product(session, merchant_id, sku)
            if found is not None and not found.hidden:
                _ = found.images  # read while the session is open
                return found
        raise QueryRefused(
            "unknown-reference", f"There is no item {sku[:80]!r}.", "Use the sku of an item in the shop.",
            "reference",
        )  # fmt: skip

    def of_product(self, product: Product) -> Vector | None:
        """(D,) of the first of its images that is indexed, as the index holds it."""
        ids = point_ids(product)
        try:
            found = self.store.vectors(self.collection, ids) if ids else {}
        except CollectionMissing:
            return None
        return next((found[point] for point in ids if point in found), None)

    def of_hits(self, hits: Sequence[ProductHit]) -> Vector:
        """(K, D) of the pictures that earned their places, as far as the index holds them."""
        ids = [point_id(h.product.merchant_id, h.product.sku, h.image.position) for h in hits]
        found = self.store.vectors(self.collection, ids) if ids else {}
        rows = [found[each] for each in ids if each in found]
        return np.stack(rows) if rows else np.zeros((0, self.pack.dimension), np.float32)

    def _recall(self, kept: "OrderedDict[str, Vector]", key: str) -> Vector | None:
        with self._guard:
            if key in kept:
                kept.move_to_end(key)
            return kept.get(key)

    def _keep(self, kept: "OrderedDict[str, Vector]", key: str, vector: Vector) -> Vector:
        with self._guard:
            kept[key] = vector
            while len(kept) > _REMEMBERED:
                kept.popitem(last=False)
        return vector
