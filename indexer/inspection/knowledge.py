"""What a shop's own items say about one of them: its neighbours in the index, and how far to believe them."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select

from catalog.identity import point_id
from catalog.models import Image, Product
from indexer.claims import Sessions
from indexer.inspection.suggesting import NEIGHBOURS, SUGGESTED, USED, Calibration, Vote, calibrated, guess
from vectors.protocol import CollectionMissing, Equals, Filter, VectorStore

if TYPE_CHECKING:  # the pack brings torch: who passes one in has it
    from embedding.pack import Pack

SAMPLE = 600  # items that the cut is found on
FRESH_S = 1800.0  # how long a shop's cuts are kept
FETCHED = 2 * NEIGHBOURS  # hits, of which variants of the item itself are left out
Vector = NDArray[np.float32]


@dataclass(frozen=True)
class Near:
    """A neighbour: its likeness, and its row."""

    likeness: float
    product: Product


@dataclass
class _Kept:
    used: tuple[str, ...]
    calibrations: dict[str, Calibration]
    at: float


class Knowledge:
    """Of one shop in one collection; its cuts are found anew now and then."""

    def __init__(
        self, sessions: Sessions, store: VectorStore, collection: str, merchant_id: int, pack: "Pack"
    ) -> None:
        self._sessions, self._store, self._collection = sessions, store, collection
        self._merchant_id, self._pack = merchant_id, pack
        self._words: dict[str, Vector] = {}
        self._kept: _Kept | None = None

    @property
    def kept(self) -> _Kept:
        """The cuts, as they were found a while ago at most."""
        if self._kept is None or time.monotonic() - self._kept.at > FRESH_S:
            self._kept = self._learned()
        return self._kept

    def near(self, vector: Vector, group: str) -> list[Near]:
        """The items most alike, variants of the item's own group left out."""
        where: Filter = (Equals("merchant", self._merchant_id), Equals("front", 1))
        try:
            hits = self._store.search(
                self._collection, vector, where=where, limit=FETCHED, group_by="product"
            )
        except CollectionMissing:
            return []
        likeness = {int(hit.group): hit.score for hit in hits if hit.group is not None}
        mine = select(Product).where(Product.merchant_id == self._merchant_id, Product.id.in_(list(likeness)))
        with self._sessions() as session:
            rows = session.scalars(mine.where(Product.deleted_at.is_(None))).all()
        near = [Near(likeness[each.id], each) for each in rows if each.item_group_id != group]
        return sorted(near, key=lambda each: (-each.likeness, each.product.id))

    def missing(self, product: Product, vector: Vector, near: Sequence[Near]) -> dict[str, tuple[str, float]]:
        """{"missing-colour": (its value, how sure)} of the fields that the shop uses and the item lacks.

        The value is "" where nothing can be said with enough confidence.
        """
        hints = {}
        for name in self.kept.used:
            if getattr(product, name):
                continue
            calibration = self.kept.calibrations.get(name)
            found = guess(votes(near, name), self._fits(vector))
            sure = calibration.confidence(found.share) if calibration and found else None
            hints[f"missing-{name.replace('_', '-')}"] = (
                (found.value, sure) if found and sure is not None else ("", 0.0)
            )
        return hints

    def _learned(self) -> _Kept:
        """Which fields the shop uses, and from which share of votes on they can be believed."""
        sample = self._sample()
        points = {each.id: point_id(each.merchant_id, each.sku, 0) for each in sample}
        try:
            vectors = self._store.vectors(self._collection, list(points.values())) if points else {}
        except CollectionMissing:
            vectors = {}
        known = [(each, vectors[points[each.id]]) for each in sample if points[each.id] in vectors]
        near = [(each, vector, self.near(vector, each.item_group_id)) for each, vector in known]
        used = tuple(
            name for name in SUGGESTED
            if sample and sum(bool(getattr(each, name)) for each in sample) > USED * len(sample)
        )  # fmt: skip
        calibrations = {}
        for name in used:
            tried = [
                (guess(votes(its, name), self._fits(vector)), getattr(each, name))
                for each, vector, its in near
            ]
            calibrations[name] = calibrated((found, true) for found, true in tried if found and true)
        return _Kept(used, calibrations, time.monotonic())

    def _fits(self, vector: Vector) -> Callable[[str], float]:
        """How well words fit a picture: (D,) of it -> the cosine of a value's words with it."""

        def fits(value: str) -> float:
            words = value.rsplit(">", 1)[-1].replace("/", " ").strip()
            if words not in self._words:
                self._words[words] = self._pack.compose(None, self._pack.encode_texts([words])[0])
            return float(self._words[words] @ vector)

        return fits

    def _sample(self) -> list[Product]:
        """Items spread over the shop, always the same ones of the same shop."""
        live = (Image.merchant_id == self._merchant_id, Image.state == "live", Image.position == 0)
        with self._sessions() as session:
            low = session.scalar(select(func.min(Image.product_id)).where(*live)) or 0
            high = session.scalar(select(func.max(Image.product_id)).where(*live)) or 0
            drawn = random.Random(1)
            if high - low < 4 * SAMPLE:
                ids = list(session.scalars(select(Image.product_id).where(*live).order_by(Image.product_id)))
                ids = drawn.sample(ids, min(SAMPLE, len(ids)))
            else:
                ids = [drawn.randint(low, high) for _ in range(3 * SAMPLE)]
            wanted = select(Product).where(Product.id.in_(ids), Product.merchant_id == self._merchant_id)
            return list(session.scalars(wanted.where(Product.deleted_at.is_(None)).limit(SAMPLE)))


def votes(near: Sequence[Near], name: str) -> list[Vote]:
    """What the nearest say of one field."""
    return [Vote(each.likeness, str(getattr(each.product, name))) for each in near[:NEIGHBOURS]]
