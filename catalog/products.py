"""All writes of products, and the reads that every room needs. Nothing here commits: the caller does."""

from collections.abc import Iterable, Sequence
from typing import Literal

from sqlalchemy import and_, case, delete, select, update
from sqlalchemy.orm import Session, selectinload

from catalog.changes import note_change
from catalog.clock import instant
from catalog.currency import agree
from catalog.models import BULK, EDIT, MAX_POSITION, SUSPECT, Image, Merchant, Product, now
from catalog.records import ProductRecord

Outcome = Literal["created", "updated", "unchanged"]

_COLUMNS = (
    "title", "description", "link", "brand", "category", "colour", "pattern", "material", "gender",
    "age_group", "size", "price_minor", "sale_price_minor", "currency", "availability",
)  # fmt: skip
_PRICE = ("price_minor", "sale_price_minor", "currency")


def ensure_merchant(session: Session, slug: str, name: str = "", currency: str = "") -> Merchant:
    """Return the merchant called `slug`, made now if there was none; its first price names its currency."""
    merchant = find_merchant(session, slug)
    if merchant is None:
        merchant = Merchant(slug=slug, name=name or slug, currency=currency)
        session.add(merchant)
        session.flush()
    return merchant


def find_merchant(session: Session, slug: str) -> Merchant | None:
    """Return the merchant called `slug`, or None."""
    return session.scalars(select(Merchant).where(Merchant.slug == slug)).one_or_none()


def find_product(session: Session, merchant_id: int, sku: str) -> Product | None:
    """Return the product with its images, hidden ones too; None when it is absent or deleted."""
    product = find_row(session, merchant_id, sku)
    return None if product is None or product.deleted_at else product


def find_row(session: Session, merchant_id: int, sku: str) -> Product | None:
    """Return the product's row even where it is a tombstone, or None."""
    found = select(Product).where(Product.merchant_id == merchant_id, Product.sku == sku)
    return session.scalars(found).one_or_none()


def get_products(session: Session, ids: Iterable[int], unseen: bool = False) -> dict[int, Product]:
    """Return {id: product with `images`} in two queries.

    Only what a shopper may see; with `unseen`, hidden and deleted products too.
    """
    wanted = select(Product).where(Product.id.in_(set(ids))).options(selectinload(Product.images))
    if not unseen:
        wanted = wanted.where(Product.deleted_at.is_(None), Product.hidden.is_(False))
    return {product.id: product for product in session.scalars(wanted)}


def save_product(session: Session, merchant_id: int, record: ProductRecord, priority: int = EDIT) -> Outcome:
    """Write one valid record; an unchanged one costs a read. A deleted sku comes back to life.

    Images that failed are tried again even where the record says nothing new.

    `record.images` must be sources ("incoming:<sha256>", whose bytes are durable already, or http(s) URLs);
    ValueError otherwise. A change bumps `rev` and queues every image; an image whose source is new loses
    its sha256, so that it is fetched and decoded again. What waits already as an EDIT is no BULK work after.
    """
    return save_products(session, merchant_id, [record], priority)[0][1]


def save_products(
    session: Session, merchant_id: int, records: Sequence[ProductRecord], priority: int = EDIT
) -> list[tuple[Product, Outcome]]:
    """Write records as save_product does, reading what is there in two queries; skus must be distinct.

    Raises CurrencyRefused for a price that is not in the shop's currency, and writes nothing.
    """
    rows = _rows(session, merchant_id, [record.sku for record in records])
    agree(session, merchant_id, records, rows)
    saved = [_save(session, merchant_id, record, rows.get(record.sku), priority) for record in records]
    session.flush()
    if any(outcome != "unchanged" for _, outcome in saved):
        note_change(session, [merchant_id])
    return saved


def content_hashes(session: Session, merchant_id: int, skus: Sequence[str]) -> dict[str, str]:
    """Return {sku: content hash} of those products that need nothing: not deleted, no image failed."""
    failed = Product.images.any(Image.state == "failed")
    there = select(Product.sku, Product.content_hash).where(
        Product.merchant_id == merchant_id, Product.sku.in_(skus), Product.deleted_at.is_(None), ~failed
    )
    return {row.sku: row.content_hash for row in session.execute(there)}


def rows_to_change(session: Session, merchant_id: int, skus: Sequence[str]) -> dict[str, Product]:
    """Return {sku: row with every image, tombstones too}: nobody else changes them until the commit."""
    return _rows(session, merchant_id, skus)


def note_edit(session: Session, product: Product) -> None:
    """Say that a row from `rows_to_change` was changed by hand: a new `rev`, and its images go first."""
    _touch(session, product)
    session.flush()


def _rows(session: Session, merchant_id: int, skus: Sequence[str]) -> dict[str, Product]:
    """Return {sku: row with every image} for writing: nobody else changes them meanwhile."""
    _lock(session, merchant_id, skus)
    there = select(Product).where(Product.merchant_id == merchant_id, Product.sku.in_(skus))
    there = there.options(selectinload(Product.every_image))
    return {product.sku: product for product in session.scalars(there)}


def _lock(session: Session, merchant_id: int, skus: Sequence[str]) -> None:
    """On PostgreSQL, take the merchant's turn and the images' rows; SQLite has one writer anyway.

    Without the turn, two imports would both insert a new sku; without the images, a claim made between our
    read and our write would outlive the change.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    turn = select(Merchant.id).where(Merchant.id == merchant_id).with_for_update(key_share=True)
    session.execute(turn)
    mine = Image.product.has(and_(Product.merchant_id == merchant_id, Product.sku.in_(skus)))
    images = select(Image).where(mine).order_by(Image.id).with_for_update(of=Image)
    session.scalars(images.execution_options(populate_existing=True)).all()


def _save(
    session: Session, merchant_id: int, record: ProductRecord, product: Product | None, priority: int
) -> tuple[Product, Outcome]:
    _check_sources(record.images)
    content_hash = record.content_hash()
    outcome: Outcome = "created"
    if product is None:
        product = Product(merchant_id=merchant_id, sku=record.sku, rev=1)
        session.add(product)
    elif product.deleted_at is None and product.content_hash == content_hash:
        _retry(product, priority)
        return product, "unchanged"
    else:
        outcome = "created" if product.deleted_at else "updated"
        product.rev += 1
    _write(product, record, content_hash, priority)
    return product, outcome


def delete_product(session: Session, merchant_id: int, sku: str) -> bool:
    """Leave a tombstone: out of every answer now, out of the index when the indexer gets to it."""
    product = _rows(session, merchant_id, [sku]).get(sku)
    if product is None or product.deleted_at:
        return False
    product.deleted_at = instant(session)
    _touch(session, product)
    session.flush()
    return True


def hide_product(session: Session, merchant_id: int, sku: str, hidden: bool = True) -> bool:
    """Take a product out of the shop without deleting it, or bring it back; False when there is none."""
    product = _rows(session, merchant_id, [sku]).get(sku)
    if product is None or product.deleted_at:
        return False
    if product.hidden != hidden:
        product.hidden = hidden
        _touch(session, product)
        session.flush()
    return True


def tombstones(session: Session, limit: int = 100) -> Sequence[Product]:
    """Return deleted products, oldest first, each with `every_image`: what the indexer must take out."""
    deleted = select(Product).where(Product.deleted_at.is_not(None)).order_by(Product.deleted_at).limit(limit)
    return session.scalars(deleted.options(selectinload(Product.every_image))).all()


def purge_product(session: Session, product_id: int, rev: int) -> bool:
    """Delete a tombstone's row for good; False when it was revived (its rev is no longer `rev`)."""
    dead = delete(Product).where(
        Product.id == product_id, Product.rev == rev, Product.deleted_at.is_not(None)
    )
    return bool(session.execute(dead).rowcount)  # type: ignore[attr-defined]


def purge_image(session: Session, image_id: int) -> bool:
    """Delete a removed image's row for good; False when the feed has brought it back."""
    gone = delete(Image).where(Image.id == image_id, Image.removed.is_(True))
    return bool(session.execute(gone).rowcount)  # type: ignore[attr-defined]


def retry_failed(session: Session, merchant_id: int) -> int:
    """Queue every failed image of the merchant again with a clean slate; return how many."""
    mine = select(Product.id).where(Product.merchant_id == merchant_id, Product.deleted_at.is_(None))
    failed = update(Image).where(Image.state == "failed", Image.product_id.in_(mine))
    again = failed.values(
        state="queued", queue=case((Image.sha256.is_(None), "images"), else_="embed"), priority=BULK,
        attempts=0, next_attempt_at=None, error_code="", error_message="", claimed_by=None, claimed_at=None,
    )  # fmt: skip
    return int(session.execute(again).rowcount)  # type: ignore[attr-defined]


def _check_sources(sources: Sequence[str]) -> None:
    if not 1 <= len(sources) <= MAX_POSITION + 1:
        raise ValueError(f"A product has 1 to {MAX_POSITION + 1} images, not {len(sources)}.")
    for source in sources:
        if not source.startswith(("incoming:", "http://", "https://")):
            raise ValueError(f"Not an image source: {source[:80]!r}. Import the feed with its images.")


def _retry(product: Product, priority: int) -> None:
    """Queue the failed images again: what stood against them may be mended, their bytes have come anew."""
    for image in product.every_image:
        if image.state == "failed" and not image.removed:
            _queue(product, image, priority)


def _write(product: Product, record: ProductRecord, content_hash: str, priority: int) -> None:
    locked = locked_columns(product.locked or ())
    for name in _COLUMNS:
        if name not in locked:
            setattr(product, name, getattr(record, name))
    if "item_group_id" not in locked:
        product.item_group_id = record.item_group_id or record.sku
    product.attributes = dict(record.attributes)
    product.content_hash = content_hash
    product.deleted_at = None
    product.updated_at = now()
    pictures = [image.source for image in product.every_image if not image.removed]
    _place_images(product, pictures if "images" in locked and pictures else record.images, priority)


def locked_columns(locks: Iterable[str]) -> set[str]:
    """The columns that these locks keep from every feed: one lock holds all that makes a price."""
    return {column for lock in locks for column in (_PRICE if lock == "price" else (lock,))}


def _place_images(product: Product, sources: Sequence[str], priority: int) -> None:
    rows = {image.position: image for image in product.every_image}
    for position, source in enumerate(sources):
        image = rows.pop(position, None)
        if image is None:
            new = Image(position=position, source=source, merchant_id=product.merchant_id, priority=priority)
            product.every_image.append(new)
            continue
        if image.source != source:
            image.source, image.sha256, image.width, image.height = source, None, None, None
            image.forget_host()
        image.removed = False
        _queue(product, image, priority)
    for image in rows.values():  # no longer in the feed: the indexer deletes the point, then the row
        image.removed = True
        _queue(product, image, priority)


def _touch(session: Session, product: Product) -> None:
    note_change(session, [product.merchant_id])
    product.rev += 1
    product.updated_at = now()
    for image in product.every_image:
        _queue(product, image, EDIT)


def requeue(product: Product, image: Image, priority: int) -> None:
    """Queue a picture of a row from `rows_to_change` whose bytes are others by now."""
    _queue(product, image, priority)


def _queue(product: Product, image: Image, priority: int) -> None:
    waits = image.state in ("queued", "fetching", "embedding")
    image.priority = min(image.priority % SUSPECT, priority) if waits else priority
    image.queue = _stage(product, image)
    image.state, image.attempts, image.next_attempt_at = "queued", 0, None
    image.error_code = image.error_message = ""
    image.claimed_by = image.claimed_at = None


def _stage(product: Product, image: Image) -> str:
    """The first stage that has something to do: bytes to get, a vector to make, or neither."""
    if image.removed or product.hidden or product.deleted_at is not None:
        return "index"
    if image.sha256 is None:
        return "images"
    return "index" if image.fingerprint else "embed"
