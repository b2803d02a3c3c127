"""What the interrupted leave behind, put right: claims, poison, imports, tombstones, bytes nobody names."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, func, literal, select, text, update

from catalog.clock import instant
from catalog.identity import point_id
from catalog.importing.tables import ImportBeforeImage
from catalog.models import SUSPECT, WAITING_SOURCE, Image, ImportJob, Product
from catalog.operations import QueryLog, StageMinute, Worker
from catalog.products import purge_product
from catalog.programs.idempotency import forget_answers
from catalog.programs.webhooks import forget_deliveries
from catalog.site import SiteState
from catalog.storage.blobs import Blobs, Incoming
from indexer.claims import CLAIMED, WORKER_DIED, Sessions
from indexer.fetch import INCOMING
from indexer.indexes import delete_points
from indexer.machine import is_alive, of_this_machine
from indexer.mapping import positions
from vectors.protocol import VectorStore

YOUNG_S = 600.0  # bytes of this age may be those of an import or a worker that is about to name them
POISON_DEATHS = 3
POISON = "poison"
_POISON_SAID = (
    f"Indexing this image ended its worker {POISON_DEATHS} times. Save it again as JPEG and import it again."
)
SILENT_IMPORT_S = 120.0  # an import writes a sign of life with every batch of rows
_SILENT_SAID = (
    "The import's process ended before the feed did. What had gone in is kept; import the file again: it "
    "goes on where it stopped."
)
QUERY_DAYS = 30.0
WORKERS_KEPT, MINUTES_KEPT = timedelta(days=1), timedelta(days=14)


def release_stale(sessions: Sessions, lease_s: float, holding: Collection[str] = ()) -> int:
    """Queue again what a silent worker has held for longer than the lease; return how many rows.

    `holding` are the tokens of the worker that asks: it knows what it has in hand, however long it takes.
    """
    with sessions() as session:
        silent = Image.claimed_at < instant(session) - timedelta(seconds=lease_s)
    return _release(sessions, and_(silent, Image.claimed_by.not_in(holding)))


def release_worker(sessions: Sessions, worker_id: str, holding: Collection[str] = ()) -> int:
    """Queue again what this worker held and does not hold now: in an earlier life, or before an outage."""
    return _release(sessions, and_(_held_by(worker_id), Image.claimed_by.not_in(holding)))


def hand_back(sessions: Sessions, worker_id: str, holding: Collection[str] = ()) -> int:
    """Queue again, without blame, what an outage or we took from a worker's hands; how many rows."""
    values = {"state": "queued", "claimed_by": None, "claimed_at": None}
    fewer = case((Image.attempts > 0, Image.attempts - 1), else_=0)
    lost = and_(_held_by(worker_id), Image.claimed_by.not_in(holding))
    with sessions.begin() as session:
        held = update(Image).where(Image.state.in_(CLAIMED), lost).values(attempts=fewer, **values)
        return int(session.execute(held).rowcount)  # type: ignore[attr-defined]


def sign_off(sessions: Sessions, workers: Collection[str]) -> None:
    """Strike workers off the list: their processes are gone."""
    with sessions.begin() as session:
        session.execute(delete(Worker).where(Worker.name.in_(workers)))


def release_dead(sessions: Sessions) -> int:
    """Queue again what workers of this machine held whose process is gone; a machine of the same name is
    another one (`indexer.machine`)."""
    with sessions() as session:
        mine = of_this_machine(Image.claimed_by)
        held = session.scalars(select(Image.claimed_by).where(Image.state.in_(CLAIMED), mine).distinct())
        workers = {str(token).rsplit("/", 1)[0] for token in held}
        workers |= set(session.scalars(select(Worker.name).where(of_this_machine(Worker.name))))
    dead = [worker for worker in workers if not is_alive(worker)]
    released = sum(release_worker(sessions, worker) for worker in dead)
    if dead:
        sign_off(sessions, dead)
    return released


def _held_by(worker_id: str) -> ColumnElement[bool]:
    return Image.claimed_by.startswith(f"{worker_id[:80]}/", autoescape=True)


def _release(sessions: Sessions, which: ColumnElement[bool]) -> int:
    """Back to the stage that had it: alone and last. The third death in a row is the image's own doing.

    `attempts` counts the claims of a suspect, and before that the tries of what may work later: the first
    death counts anew.
    """
    again = Image.priority >= SUSPECT
    poison = and_(again, Image.attempts >= POISON_DEATHS)
    values: dict[str, Any] = {
        "state": case((poison, literal("failed")), else_=literal("queued")),
        "error_code": case((poison, literal(POISON)), else_=literal(WORKER_DIED)),
        "error_message": case((poison, literal(_POISON_SAID)), else_=literal("")),
        "priority": case((again, Image.priority), else_=Image.priority + SUSPECT),
        "attempts": case((again, Image.attempts), else_=1),
        "next_attempt_at": None,
        "claimed_by": None,
        "claimed_at": None,
    }
    with sessions.begin() as session:
        held = update(Image).where(Image.state.in_(CLAIMED), which).values(values)
        return int(session.execute(held).rowcount)  # type: ignore[attr-defined]


def take_out_poisoned(sessions: Sessions, store: VectorStore, site: SiteState) -> int:
    """Take the older pictures of images that were given up out of every index; return how many."""
    given_up = and_(Image.state == "failed", Image.error_code == POISON, Image.indexed_rev > 0)
    with sessions() as session:
        rows = session.execute(
            select(Image.id, Image.position, Product).join(Image.product).where(given_up)
        ).all()
    points = {point_id(each.merchant_id, each.sku, position): each.rev for _, position, each in rows}
    delete_points(store, site, points)
    if rows:
        with sessions.begin() as session:
            out = update(Image).where(Image.id.in_([row[0] for row in rows]), given_up)
            session.execute(out.values(indexed_rev=0, fingerprint=""))
    return len(rows)


def end_silent_imports(sessions: Sessions, silent_s: float = SILENT_IMPORT_S) -> int:
    """Say of imports whose process is gone that they failed, and what to do; return how many."""
    heard = func.coalesce(ImportJob.heartbeat_at, ImportJob.started_at)
    with sessions.begin() as session:
        at = instant(session)
        silent = heard < at - timedelta(seconds=silent_s)
        ended = update(ImportJob).where(ImportJob.state == "running", silent)
        done = session.execute(ended.values(state="failed", message=_SILENT_SAID, finished_at=at))
        return int(done.rowcount)  # type: ignore[attr-defined]


def forget_old(sessions: Sessions, query_days: float = QUERY_DAYS) -> None:
    """Forget workers that have been silent for a day, how fast work went two weeks ago, and old searches;
    answers to programs that are a day old, and what webhooks were told two weeks ago.

    With `query_days` 0 no search is kept.
    """
    with sessions.begin() as session:
        at = instant(session)
        session.execute(delete(QueryLog).where(QueryLog.at < at - timedelta(days=query_days)))
        session.execute(delete(Worker).where(Worker.seen_at < at - WORKERS_KEPT))
        session.execute(delete(StageMinute).where(StageMinute.minute < at - MINUTES_KEPT))
        forget_answers(session)
        forget_deliveries(session)


def purge(sessions: Sessions, store: VectorStore, site: SiteState, grace_s: float, limit: int = 200) -> int:
    """Delete tombstones for good whose points are out of every index; return how many products.

    After the grace no worker can still hold an image from before the deletion, so no point comes after.
    """
    with sessions() as session:
        old = and_(
            Product.deleted_at.is_not(None),
            Product.deleted_at <= instant(session) - timedelta(seconds=grace_s),
        )
        unsettled = Product.every_image.any(Image.state.in_(("queued", *CLAIMED)))
        found = select(Product).where(old, ~unsettled).order_by(Product.deleted_at).limit(limit)
        dead = session.scalars(found).all()
    if not dead:
        return 0
    places = ((each, position) for each in dead for position in positions())
    points = {point_id(each.merchant_id, each.sku, position): each.rev for each, position in places}
    delete_points(store, site, points)
    with sessions.begin() as session:
        return sum(purge_product(session, each.id, each.rev) for each in dead)


def unfinished(sessions: Sessions) -> int:
    """How many images are queued or in a worker's hands."""
    with sessions() as session:
        waiting = select(func.count()).where(Image.state.in_(("queued", *CLAIMED)))
        return int(session.scalar(waiting.select_from(Image)) or 0)


def collect_garbage(sessions: Sessions, blobs: Blobs, incoming: Incoming, age_s: float = YOUNG_S) -> int:
    """Delete bytes that no row needs and that are older than `age_s`.

    The age protects what an import or a worker has stored and is about to name. Returns how many.
    """
    removed = 0
    for sha256 in orphan_incoming(sessions, blobs, incoming):
        if incoming.age_s(sha256) >= age_s:
            incoming.delete(sha256)
            removed += 1
    for sha256 in orphan_blobs(sessions, blobs):
        if blobs.age_s(sha256) >= age_s:
            blobs.delete(sha256)
            removed += 1
    return removed + blobs.clear_unfinished(age_s) + incoming.clear_unfinished(age_s)


def orphan_blobs(sessions: Sessions, blobs: Blobs) -> Iterator[str]:
    """Hashes of renditions that no image row names, neither decoded nor waiting."""
    for some in _chunks(blobs, 400):
        decoded = _decoded(sessions, some)
        used = decoded | _waiting(sessions, set(some) - decoded) | _remembered(sessions, some)
        yield from (sha256 for sha256 in some if sha256 not in used)


def orphan_incoming(sessions: Sessions, blobs: Blobs, incoming: Incoming) -> Iterator[str]:
    """Hashes of raw bytes that no row needs: nobody names them, or they are decoded already."""
    for some in _chunks(incoming, 400):
        decoded = _decoded(sessions, some)
        needed = blobs.missing(decoded | _remembered(sessions, some))
        needed |= _waiting(sessions, set(some) - decoded)
        yield from (sha256 for sha256 in some if sha256 not in needed)


def _decoded(sessions: Sessions, hashes: Sequence[str]) -> set[str]:
    """Which hashes a row names as decoded."""
    with sessions() as session:
        return {str(sha) for sha in session.scalars(select(Image.sha256).where(Image.sha256.in_(hashes)))}


def _waiting(sessions: Sessions, hashes: Collection[str]) -> set[str]:
    """Which hashes a row that is not decoded names as its source: an index has only those."""
    if not hashes:
        return set()
    sources = [INCOMING + sha256 for sha256 in hashes]
    with sessions() as session:
        waiting = select(Image.source).where(Image.source.in_(sources), text(WAITING_SOURCE))
        named = session.scalars(waiting)
        return {source.removeprefix(INCOMING) for source in named}


def _remembered(sessions: Sessions, hashes: Collection[str]) -> set[str]:
    """Which hashes an import needs that may be taken back."""
    kept = select(ImportBeforeImage.sha256).where(ImportBeforeImage.sha256.in_(hashes))
    with sessions() as session:
        return set(session.scalars(kept))


def _chunks(hashes: Iterable[str], size: int) -> Iterator[list[str]]:
    listed = iter(hashes)
    while some := list(islice(listed, size)):
        yield some
