"""Taking the last import back: what it made goes, what it changed is as before, what it removed comes back.

What somebody has edited since is a conflict: it is listed beforehand, and left alone unless asked for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select
from sqlalchemy.orm import Session, sessionmaker

from catalog.clock import instant
from catalog.importing.befores import images_before, record_before
from catalog.importing.fates import note_products
from catalog.importing.imports import Hold, ImportSummary
from catalog.importing.tables import ImportBefore, ImportBeforeImage
from catalog.models import BULK, EDIT, ImportJob, Product
from catalog.products import delete_product, rows_to_change, save_products

BATCH = 100  # products a commit
FEW = 50


@dataclass(frozen=True)
class Undoable:
    """What taking an import back would do, and which products were edited since."""

    job_id: int
    created: int
    updated: int
    removed: int
    edited: int
    conflicts: tuple[tuple[str, str], ...]  # (sku, title) of the first ones


def undoable(session: Session, merchant_id: int, shown: int = 50) -> Undoable | None:
    """The merchant's last import that changed anything; None where there is none to take back."""
    mine = ImportBefore.merchant_id == merchant_id
    job_id = session.scalar(select(func.max(ImportBefore.job_id)).where(mine))
    if job_id is None:
        return None
    of_job = and_(mine, ImportBefore.job_id == job_id)
    counted = select(ImportBefore.outcome, func.count()).where(of_job).group_by(ImportBefore.outcome)
    counts: dict[str, int] = {name: many for name, many in session.execute(counted)}  # noqa: C416
    edited = _with_products(of_job).where(_edited())
    conflicts = session.execute(
        edited.with_only_columns(ImportBefore.sku, func.coalesce(Product.title, ""))
        .order_by(ImportBefore.id)
        .limit(shown)
    ).all()
    many = session.scalar(edited.with_only_columns(func.count())) or 0
    return Undoable(
        job_id, counts.get("created", 0), counts.get("updated", 0), counts.get("removed", 0), many,
        tuple((sku, title) for sku, title in conflicts),
    )  # fmt: skip


def _with_products(which: ColumnElement[bool]) -> Select[ImportBefore]:
    same = and_(Product.merchant_id == ImportBefore.merchant_id, Product.sku == ImportBefore.sku)
    return select(ImportBefore).outerjoin(Product, same).where(which)


def _edited() -> ColumnElement[bool]:
    """Whether somebody has changed the product since: its rev is no longer the import's.

    A created product that is gone already is no conflict; a changed one that is gone is one.
    """
    was, other = ImportBefore.outcome, and_(Product.id.is_not(None), Product.rev != ImportBefore.rev)
    return or_(
        and_(was == "created", other, Product.deleted_at.is_(None)),
        and_(was == "updated", or_(Product.id.is_(None), other)),
        and_(was == "removed", other),
    )


def undo(
    sessions: sessionmaker[Session],
    merchant_id: int,
    job_id: int,
    summary: ImportSummary,
    even_edited: bool,
    hold: Hold = lambda _session, _batches: None,
    on_commit: Callable[[Sequence[int]], None] = lambda _product_ids: None,
) -> None:
    """Take an import back, some products a commit; cut off and run again, it goes on.

    The counts of `summary` are those of the undoing: `created` came back, `updated` are as before,
    `removed` are gone again, `refused` were edited since and left alone.
    """
    while True:
        with sessions.begin() as session:
            mine = select(ImportBefore).where(
                ImportBefore.merchant_id == merchant_id, ImportBefore.job_id == job_id
            )
            befores = session.scalars(mine.order_by(ImportBefore.id).limit(BATCH)).all()
            if not befores:
                session.get_one(ImportJob, job_id).undone_at = instant(session)
                hold(session, 0)
                return
            touched = _Batch(session, merchant_id, summary, even_edited).take_back(befores)
            _write_counts(session, summary)
            hold(session, 0)
        if touched:
            on_commit(touched)


@dataclass
class _Batch:
    session: Session
    merchant_id: int
    summary: ImportSummary
    even_edited: bool

    def take_back(self, befores: Sequence[ImportBefore]) -> list[int]:
        """Take these back; forget what they were; return the ids of the products that changed."""
        rows = rows_to_change(self.session, self.merchant_id, [each.sku for each in befores])
        ids = [each.id for each in befores]
        edited = set(
            self.session.scalars(
                _with_products(ImportBefore.id.in_(ids)).where(_edited()).with_only_columns(ImportBefore.id)
            )
        )
        wanted = [each for each in befores if self.even_edited or each.id not in edited]
        kept = [each for each in befores if each not in wanted]
        gone = self._delete([each for each in wanted if each.outcome == "created"], rows)
        back = self._restore([each for each in wanted if each.outcome != "created"])
        note_products(
            self.session, self.summary.job_id, "kept",
            [(each.sku, rows[each.sku].id if each.sku in rows else None) for each in kept],
        )  # fmt: skip
        self.summary.rows += len(befores)
        self.summary.refused += len(kept)
        self.session.execute(delete(ImportBeforeImage).where(ImportBeforeImage.before_id.in_(ids)))
        self.session.execute(delete(ImportBefore).where(ImportBefore.id.in_(ids)))
        return gone + back

    def _delete(self, befores: Sequence[ImportBefore], rows: dict[str, Product]) -> list[int]:
        gone = [
            rows[each.sku]
            for each in befores
            if each.sku in rows and delete_product(self.session, self.merchant_id, each.sku)
        ]
        note_products(self.session, self.summary.job_id, "removed", [(each.sku, each.id) for each in gone])
        self.summary.removed += len(gone)
        return [each.id for each in gone]

    def _restore(self, befores: Sequence[ImportBefore]) -> list[int]:
        of = {each.sku: each for each in befores}
        priority = EDIT if self.summary.created + self.summary.updated + len(of) <= FEW else BULK
        records = [record_before(each) for each in befores]
        saved = save_products(self.session, self.merchant_id, records, priority)
        images = images_before(self.session, [each.id for each in befores])
        for product, _ in saved:
            before = of[product.sku]
            product.content_hash = before.content_hash
            _place_bytes(product, before.record["images"], images.get(before.id, {}))
        self.session.flush()
        for outcome, was in (("created", "removed"), ("updated", "updated")):
            found = [(each.sku, each.id) for each, _ in saved if of[each.sku].outcome == was]
            note_products(self.session, self.summary.job_id, outcome, found)
            setattr(self.summary, outcome, getattr(self.summary, outcome) + len(found))
        return [product.id for product, _ in saved]


def _place_bytes(product: Product, sources: Sequence[str], images: dict[int, ImportBeforeImage]) -> None:
    """Let pictures be the very bytes that they were: an address may hold another picture by now."""
    for image in product.every_image:
        before = images.get(image.position)
        if before is None or before.width is None or image.removed or image.sha256 == before.sha256:
            continue
        if image.source != sources[image.position]:  # somebody holds on to other pictures
            continue
        image.sha256, image.width, image.height = before.sha256, before.width, before.height
        image.fingerprint = ""
        image.forget_host()
        if image.state == "queued" and image.queue != "embed" and not product.hidden:
            image.queue = "embed"


def _write_counts(session: Session, summary: ImportSummary) -> None:
    job = session.get_one(ImportJob, summary.job_id)
    job.state, job.message, job.finished_at, job.heartbeat_at = "running", "", None, instant(session)
    for name in ("rows", "created", "updated", "refused", "removed"):
        setattr(job, name, getattr(summary, name))
