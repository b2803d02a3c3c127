"""The round that looks through items: what is new or changed, a few at a time, while nothing else waits.

Of each item the main picture is measured by its pixels, its neighbours in the index say which attributes it
lacks and what it is a duplicate of, and what is to be mended is kept in SQL. Nothing of it is in anybody's
request, and an item is looked at again only when it has changed or another model is live.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import and_, or_, select
from structlog import get_logger

from catalog.changes import revision
from catalog.identity import point_id
from catalog.items.tables import ItemLook
from catalog.models import Image, Merchant, Product
from catalog.pictures.decoder import read_rendition
from catalog.site import live_index, read_site
from catalog.storage.blobs import BlobMissing, Blobs
from indexer.claims import CLAIMED, Sessions
from indexer.inspection.alike import Alike
from indexer.inspection.knowledge import Knowledge
from indexer.inspection.notes import Note, write_notes
from indexer.inspection.picture import SMALL, PictureFacts, facts_of
from vectors.protocol import VectorStore

if TYPE_CHECKING:  # the packs bring torch
    from embedding.packs import Packs

log = get_logger("indexer")
BATCH = 16  # items of one step: about a second
EMBEDDED_SIZE = 480
REST_S = 30.0  # after a step that could not be made
Pixels = NDArray[np.uint8]
Garments = Callable[[NDArray[np.float32]], Sequence[object]]  # patches of a photo -> its garments
Found = tuple[Product, Image, ItemLook | None]  # an item, its main picture, the last look at it


@dataclass
class _Seen:
    """How far the round has come with one shop."""

    revision: int = -1  # that the last finished pass began at
    passing: int = -1  # that this pass began at
    after: int = 0


@dataclass
class Inspector:
    """Looks through the items of every shop. Not for several threads at once."""

    sessions: Sessions
    blobs: Blobs
    store: VectorStore
    packs: "Packs"
    garments: Garments
    batch: int = BATCH
    _seen: dict[int, _Seen] = field(default_factory=dict)
    _known: dict[int, Knowledge] = field(default_factory=dict)
    _fingerprint: str = ""
    _not_before: float = float("-inf")

    def go_on(self, budget_s: float = 0.0) -> int:
        """Steps until nothing is new or the time is over; how many items.

        Never raises: whoever calls has more important work. What went wrong is tried again a while later.
        """
        began, looked = time.monotonic(), 0
        while time.monotonic() >= self._not_before:
            try:
                done = self.step()
            except Exception as error:
                self._not_before = time.monotonic() + REST_S
                log.warning("not-looked-through", cause=repr(error)[:300], seconds=REST_S)
                break
            looked += done
            if not done or time.monotonic() - began >= budget_s:
                break
        return looked

    def step(self) -> int:
        """Look at a few items of one shop; how many, 0 when nothing is new or something else waits."""
        if self._busy():
            return 0
        index = live_index(read_site(self.sessions))
        if index.fingerprint != self._fingerprint:
            self._fingerprint, self._seen, self._known = index.fingerprint, {}, {}
        for merchant_id in self._merchants():
            found = self._next(merchant_id, index.fingerprint)
            if found:
                self._look(merchant_id, index.fingerprint, index.collection, found)
                return len(found)
        return 0

    def _busy(self) -> bool:
        """Whether pictures wait or are in hand: they go first. Those that wait for their next try do not."""
        waiting = and_(Image.state == "queued", Image.next_attempt_at.is_(None))
        work = select(Image.id).where(or_(waiting, Image.state.in_(CLAIMED))).limit(1)
        with self.sessions() as session:
            return session.scalar(work) is not None

    def _merchants(self) -> list[int]:
        with self.sessions() as session:
            return list(session.scalars(select(Merchant.id).order_by(Merchant.id)))

    def _next(self, merchant_id: int, fingerprint: str) -> list[Found]:
        """The next items that have changed since they were looked at; [] when the shop is through."""
        seen = self._seen.setdefault(merchant_id, _Seen())
        with self.sessions() as session:
            now = revision(session, merchant_id)
            if now == seen.revision:
                return []
            if not seen.after:
                seen.passing = now
            stale = or_(
                ItemLook.product_id.is_(None),
                ItemLook.rev != Product.rev,
                ItemLook.fingerprint != fingerprint,
            )
            wanted = (
                select(Product, Image, ItemLook)
                .join(Image, and_(Image.product_id == Product.id, Image.position == 0))
                .outerjoin(ItemLook, ItemLook.product_id == Product.id)
                .where(
                    Product.merchant_id == merchant_id, Product.id > seen.after, Product.deleted_at.is_(None),
                    Image.state == "live", Image.sha256.is_not(None), stale,
                )
                .order_by(Product.id)
                .limit(self.batch)
            )  # fmt: skip
            found: list[Found] = [(product, image, look) for product, image, look in session.execute(wanted)]
        seen.after = found[-1][0].id if found else 0
        if not found:
            seen.revision = seen.passing
        return found

    def _look(
        self,
        merchant_id: int,
        fingerprint: str,
        collection: str,
        found: Sequence[Found],
    ) -> None:
        points = {product.id: point_id(merchant_id, product.sku, 0) for product, _, _ in found}
        vectors = self.store.vectors(collection, list(points.values()))
        knowledge = self._knowledge(fingerprint, collection, merchant_id)
        alike = Alike(self.sessions, self.blobs, self.store, collection, merchant_id)
        notes = []
        for product, image, look in found:
            vector = vectors.get(points[product.id])
            known = look.facts if look is not None and look.sha256 == image.sha256 else None
            facts = known or self._facts(fingerprint, image)
            hints: dict[str, tuple[str, float]] = dict.fromkeys(_of_picture(facts, image), ("", 0.0))
            twins: set[int] = set()
            if vector is not None:
                near = knowledge.near(vector, product.item_group_id)
                hints |= knowledge.missing(product, vector, near)
                twins = alike.twins(product, image, near)
            notes.append(Note(product.id, product.rev, str(image.sha256), facts, hints, twins))
        write_notes(self.sessions, merchant_id, fingerprint, notes)
        log.info("looked-through", merchant=merchant_id, items=len(found))

    def _knowledge(self, fingerprint: str, collection: str, merchant_id: int) -> Knowledge:
        known = self._known.get(merchant_id)
        if known is None:
            pack = self.packs.get(fingerprint)
            known = Knowledge(self.sessions, self.store, collection, merchant_id, pack)
            self._known[merchant_id] = known
        return known

    def _facts(self, fingerprint: str, image: Image) -> dict[str, Any]:
        """What is measured of a picture; {} where its bytes are gone."""
        try:
            pixels = read_rendition(self.blobs.read(str(image.sha256), EMBEDDED_SIZE))
        except BlobMissing:
            return {}
        patches = self.packs.get(fingerprint).patches(pixels)
        garments = 1 if patches is None else len(self.garments(patches))
        return {**asdict(facts_of(pixels)), "garments": garments}


def _of_picture(facts: dict[str, Any], image: Image) -> set[str]:
    if not facts:
        return set()
    hints = PictureFacts(facts["blur"], facts["ground"], facts["colours"], facts.get("edges", -1.0)).hints
    if min(image.width or SMALL, image.height or SMALL) < SMALL:
        hints.add("small")
    if facts["garments"] > 1 and "placeholder" not in hints:
        hints.add("several-garments")
    return hints
