"""What is forgotten of old imports: drafts that nobody went on with, files that nothing needs any more."""

from datetime import timedelta

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session, sessionmaker

from catalog.clock import instant
from catalog.importing.jobs import OPEN
from catalog.importing.tables import ImportRequest
from catalog.models import Merchant
from catalog.storage.feed_files import FeedFiles

KEPT = 10  # requests of a merchant whose files are kept, for the file of errors and to run them again
KEPT_DAYS, DRAFT_DAYS = 30, 7
YOUNG_S = 3600.0  # a file of this age may be one that is about to be named
_STOPPED = "Nobody went on with it."
_LOST = (
    "Its uploaded file was in no backup and is gone since the restore. Upload the file again, or have its "
    "address fetched again. [feed-file-not-restored]"
)


def tidy_imports(sessions: sessionmaker[Session], files: FeedFiles) -> int:
    """Forget what is old; return how many files are deleted."""
    with sessions() as session:
        merchants = list(session.scalars(select(Merchant.id)))
    for merchant_id in merchants:
        with sessions.begin() as session:
            _forget(session, merchant_id)
    with sessions() as session:
        named = session.execute(select(ImportRequest.file, ImportRequest.images))
        needed = {key for keys in named for key in keys if key}
    old = [key for key in files if key not in needed and files.age_s(key) > YOUNG_S]
    for key in old:
        files.delete(key)
    return len(old) + files.clear_unfinished(YOUNG_S)


def end_lost(sessions: sessionmaker[Session], files: FeedFiles) -> int:
    """After a restore: end the imports whose files are not there, and say so; return how many ended.

    Uploaded files are in no backup. What is over only forgets that there was a file to look into.
    """
    there = set(files)
    ended = 0
    with sessions.begin() as session:
        named = select(ImportRequest).where(or_(ImportRequest.file != "", ImportRequest.images != ""))
        for request in session.scalars(named):
            if {request.file, request.images} - {""} <= there:
                continue
            request.file = request.images = ""
            if request.state in (*OPEN, "draft", "rehearsed"):
                request.state, request.message, request.finished_at = "failed", _LOST, instant(session)
                request.claimed_by = request.claimed_at = None
                ended += 1
    return ended


def _forget(session: Session, merchant_id: int) -> None:
    at = instant(session)
    mine = ImportRequest.merchant_id == merchant_id
    resting = ImportRequest.state.in_(("draft", "rehearsed"))
    left = and_(mine, resting, ImportRequest.created_at < at - timedelta(days=DRAFT_DAYS))
    ended = {"state": "cancelled", "message": _STOPPED, "finished_at": at}
    session.execute(update(ImportRequest).where(left).values(ended))
    over = and_(mine, ImportRequest.state.in_(("done", "failed", "cancelled")))
    newest = select(ImportRequest.id).where(over).order_by(ImportRequest.id.desc()).limit(KEPT)
    kept = list(session.scalars(newest))
    too_old = ImportRequest.created_at < at - timedelta(days=KEPT_DAYS)
    forgotten = and_(over, or_(ImportRequest.id.not_in(kept), too_old), ImportRequest.file != "")
    session.execute(update(ImportRequest).where(forgotten).values(file="", images=""))
