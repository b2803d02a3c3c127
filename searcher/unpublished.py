"""Where items that no shopper can find yet would stand in a search: hidden ones, and those on their way.

They are in no index. Their pictures are encoded when somebody asks, a bounded number at a time and each once,
and compared with what the search composed. By a photo the likeness says the place exactly. By words the place
is about right: the rank by meaning is exact, the rank by words counts who has as many of the words.
"""

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import selectinload

from catalog.models import Image, Product
from catalog.pictures.decoder import read_rendition
from catalog.storage.blobs import BlobMissing, Blobs
from searcher.errors import SearchUnavailable
from searcher.filters import FACET_FIELDS, Filters, tenant
from searcher.merchandising.explain import Explanation, explain
from searcher.models import Model
from searcher.query import SearchQuery
from searcher.ranking import LIKED, RRF, WINDOWS
from searcher.results import ProductHit
from searcher.search import RETRY_AFTER_S, Searcher
from searcher.shelf import Row, Shelf
from searcher.sold_out import without_hidden
from searcher.understanding.wishes import preferred
from vectors.lexical import tokens
from vectors.protocol import VectorStoreUnavailable

MOST = 500  # unpublished items that one search looks at, the newest
BUDGET_S = 2.0  # for pictures that were not encoded before
_REMEMBERED = 4096
_SKU, _TITLE, _ALL, _KIND = 3.0, 2.0, 0.7, 0.4  # as `searcher.ranking` has them
Vector = NDArray[np.float32]
Parts = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Unpublished:
    """An item that would be found: `why` it is not is its state, `place` counts from 1 among all."""

    product: Product
    image: Image | None
    why: str
    score: float
    place: int
    parts: Parts = ()


@dataclass(frozen=True)
class Tried:
    """What shoppers find, and what they would find besides. `looked` of `there` items were looked at."""

    explanation: Explanation
    unpublished: tuple[Unpublished, ...]
    looked: int
    there: int


class TestSearch:
    """Searches as a shopper, and among what is not published. Thread-safe."""

    __test__ = False  # it is no test, whatever pytest thinks of its name

    def __init__(self, searcher: Searcher, blobs: Blobs, budget_s: float = BUDGET_S) -> None:
        self._searcher, self._blobs, self._budget_s = searcher, blobs, budget_s
        self._vectors: OrderedDict[tuple[str, str], Vector] = OrderedDict()
        self._guard = Lock()

    def find(self, query: SearchQuery) -> Tried:
        """A first page, explained, with the unpublished items that would be on it.

        Raises QueryRefused and SearchUnavailable.
        """
        told = explain(self._searcher, query)
        waiting = self._waiting(query.merchant_id)
        model = self._searcher.models.live()
        vectors, looked = self._encoded(model, waiting)
        hits = [each.hit for each in told.hits]
        try:
            scored = self._scored(query, model, hits, waiting, vectors)
        except VectorStoreUnavailable as error:
            raise SearchUnavailable(error.message, RETRY_AFTER_S) from error
        found = sorted(scored, key=lambda each: (-each[0], -each[1].id))
        placed = [_placed(at, hits, *each) for at, each in enumerate(found)]
        shown = [each for each in placed if each.place <= query.limit]
        return Tried(told, tuple(shown), looked, len(waiting))

    def _waiting(self, merchant_id: int) -> list[Product]:
        """The newest items that no shopper finds."""
        never = select(Image.product_id).where(
            Image.merchant_id == merchant_id, Image.position == 0, Image.indexed_rev == 0,
            Image.state.in_(("queued", "fetching", "embedding", "failed")),
        )  # fmt: skip
        unseen = or_(Product.hidden.is_(True), Product.id.in_(never))
        mine = and_(Product.merchant_id == merchant_id, Product.deleted_at.is_(None), unseen)
        wanted = select(Product).where(mine).options(selectinload(Product.images))
        with self._searcher.sessions() as session:
            return list(session.scalars(wanted.order_by(Product.id.desc()).limit(MOST)))

    def _encoded(self, model: Model, waiting: Sequence[Product]) -> tuple[dict[int, Vector], int]:
        """{product id: (D,)} of main pictures, as many as there is time for; how many were looked at."""
        until, found, looked = time.monotonic() + self._budget_s, dict[int, Vector](), 0
        for product in waiting:
            image = _picture(product)
            if image is None or image.sha256 is None:
                looked += 1
                continue
            vector = self._vector(model, image.sha256, time.monotonic() < until)
            if vector is not None:
                found[product.id] = vector
                looked += 1
        return found, looked

    def _vector(self, model: Model, sha256: str, in_time: bool) -> Vector | None:
        key = (model.fingerprint, sha256)
        with self._guard:
            if key in self._vectors:
                self._vectors.move_to_end(key)
                return self._vectors[key]
        if not in_time:
            return None
        try:
            pixels = read_rendition(self._blobs.read(sha256, 480))
        except BlobMissing:
            return None
        vector: Vector = model.pack.encode_images([pixels])[0]
        with self._guard:
            self._vectors[key] = vector
            while len(self._vectors) > _REMEMBERED:
                self._vectors.popitem(last=False)
        return vector

    def _scored(
        self,
        query: SearchQuery,
        model: Model,
        hits: Sequence[ProductHit],
        waiting: Sequence[Product],
        vectors: dict[int, Vector],
    ) -> list[tuple[float, Product, Parts]]:
        """(score, product, its parts) of those under the filters that the search says anything about."""
        reading = self._searcher.reading(query)
        asked, liked = reading.query, preferred(reading.wishes)
        theirs = _shelf(query.merchant_id, waiting)
        passing = theirs.mask(without_hidden(asked.filters, self._searcher.sold_out))
        under = [each for each in waiting if passing[theirs.row_of_id(each.id)].any()]
        if asked.mode == "browse":
            return [(0.0, each, ()) for each in under]
        sides = model.encoder.picture(asked), model.encoder.text(asked.words)
        composed: Vector = model.pack.compose(*sides, asked.balance)
        cosines = {key: float(row @ composed) for key, row in vectors.items()}
        liking = _Liking(theirs, liked)
        if asked.mode != "words":
            near = [(each, (("likeness", cosines[each.id]),)) for each in under if each.id in cosines]
            shared = [(each, (*parts, *liking.near(each))) for each, parts in near]
            return [(sum(share for _, share in parts), each, parts) for each, parts in shared]
        ahead = self._meanings(model, query.merchant_id, composed)
        every = [(each, self._by_words(asked.words, each, cosines, ahead, hits)) for each in under]
        told = [(each, (*parts, *liking.of(each))) for each, parts in every if parts]
        return [(sum(share for _, share in parts), each, parts) for each, parts in told]

    def _meanings(self, model: Model, merchant_id: int, composed: Vector) -> list[float]:
        """The likenesses of the first hits by meaning."""
        where = tenant(merchant_id)
        ranker = self._searcher.ranker(model.collection, where)
        return [each.score for each in ranker.by_vector(composed)(WINDOWS[0])]

    def _by_words(
        self,
        words: str,
        product: Product,
        cosines: dict[int, float],
        ahead: list[float],
        hits: Sequence[ProductHit],
    ) -> Parts:
        """The shares of fused ranks, and of being named outright."""
        parts = []
        for name, said, share in (("sku", product.sku, _SKU), ("title", product.title, _TITLE)):
            if " ".join(words.split()).casefold() == " ".join(said.split()).casefold():
                parts.append((name, share))
        asked = set(tokens(words))
        has = len(asked & set(_tokens(product)))
        if has:
            before = sum(len(asked & set(_tokens(hit.product))) >= has for hit in hits)
            parts.append(("words", 1 / (RRF + 1 + before)))
        if product.id in cosines:
            before = sum(score > cosines[product.id] for score in ahead)
            if before < WINDOWS[0]:
                parts.append(("meaning", 1 / (RRF + 1 + before)))
        return tuple(parts)


class _Liking:
    """What an item has of all that is preferred."""

    def __init__(self, shelf: Shelf, liked: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
        kind = tuple(each for each in liked if each[0] == "category")
        self._shelf = shelf
        self._all = shelf.mask(Filters(also=liked)) if liked else np.zeros(len(shelf), np.bool_)
        self._kind = shelf.mask(Filters(also=kind)) if kind else np.zeros(len(shelf), np.bool_)

    def near(self, product: Product) -> Parts:
        """The bonus beside a likeness."""
        return (("all", LIKED),) if self._all[self._shelf.row_of_id(product.id)].any() else ()

    def of(self, product: Product) -> Parts:
        """The bonus among words."""
        row = self._shelf.row_of_id(product.id)
        if self._all[row].any():
            return (("all", _ALL),)
        return (("kind", _KIND),) if self._kind[row].any() else ()


def _placed(at: int, hits: Sequence[ProductHit], score: float, product: Product, parts: Parts) -> Unpublished:
    """It stands behind every hit that scores as much, and behind the unpublished ones before it."""
    ahead = sum(hit.score >= score for hit in hits) if score else 0
    image = _picture(product)
    why = "hidden" if product.hidden else product.images[0].state if product.images else "failed"
    return Unpublished(product, image, why, score, ahead + at + 1, parts)


def _shelf(merchant_id: int, products: Sequence[Product]) -> Shelf:
    """The columns of some products, whether shoppers find them or not."""
    return Shelf(merchant_id, [_row(each) for each in sorted(products, key=lambda each: each.id)])


def _row(product: Product) -> Row:
    price = product.price_minor if product.sale_price_minor is None else product.sale_price_minor
    values = tuple(getattr(product, name) for name in FACET_FIELDS)
    return Row(product.id, product.sku, product.item_group_id, product.title, price, values)


def _tokens(product: Product) -> list[str]:
    said = (product.title, product.brand, product.sku, product.category, product.description, product.colour)
    more = (product.pattern, product.material, product.gender, product.size)
    return [token for text in (*said, *more) for token in tokens(text)]


def _picture(product: Product) -> Image | None:
    return next((image for image in product.images if image.sha256), None)
