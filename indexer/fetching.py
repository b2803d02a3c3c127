"""Feeds from addresses: once for a request, or by the clock. A failed fetch changes nothing and is said."""

from pathlib import Path
from typing import Any

from catalog.feeds.mapping import lacking
from catalog.importing import jobs as import_jobs
from catalog.importing.feed_process import FeedLimits, FeedProcess
from catalog.importing.jobs import Claim
from catalog.importing.mappings import mapping_for
from catalog.importing.options import Options
from catalog.importing.removing import Removal
from catalog.importing.schedules import Due, note_outcome
from catalog.importing.tables import ImportRequest
from catalog.records import FeedRefused
from catalog.storage.feed_files import FeedFiles
from indexer.claims import Sessions
from indexer.errors import FetchFailed
from indexer.feed_fetch import FeedFetcher
from indexer.validators import Validators

GOOGLE = "google"


def fetch_for(
    sessions: Sessions, files: FeedFiles, fetcher: FeedFetcher, limits: FeedLimits, claim: Claim
) -> None:
    """Fetch the feed of a request and look at it; the request is a draft then. Raises FeedRefused."""
    with sessions() as session:
        url = session.get_one(ImportRequest, claim.id).url
    with files.received() as path:
        try:
            fetched = fetcher.fetch(url, path)
        except FetchFailed as error:
            raise FeedRefused(error.code, error.message, error.fix) from error
        look = looked_at(path, limits)
        key = files.keep(path)
    with sessions.begin() as session:
        import_jobs.finish(session, claim, "draft", file=key, filename=fetched.filename, survey=look)


def refetch(sessions: Sessions, files: FeedFiles, fetcher: FeedFetcher, limits: FeedLimits, due: Due) -> None:
    """Fetch a scheduled feed, unless it is as it was; ask for its import; note what came of it.

    Where its pictures are to be checked, one that is as it was goes in too: it says which they are.
    """
    known = Validators() if due.check_pictures else Validators(due.etag, due.last_modified)
    with files.received() as path:
        try:
            fetched = fetcher.fetch(due.url, path, known)
            if fetched.same or (fetched.sha256 == due.sha256 and not due.check_pictures):
                _note(sessions, due, "unchanged", "The feed is as it was.", fetched.validators)
                return
            look = looked_at(path, limits)
        except (FetchFailed, FeedRefused) as error:
            with sessions.begin() as session:
                note_outcome(session, due, error.code, f"{error.message} {error.fix}")
            return
        key = files.keep(path)
    _ask(sessions, due, look, key, fetched.filename, fetched.validators, fetched.sha256)


def _ask(
    sessions: Sessions, due: Due, look: dict[str, Any], key: str, filename: str, said: Validators, sha256: str
) -> None:
    """Ask for the import; where it cannot be known what the columns mean, leave a draft to be looked at."""
    with sessions.begin() as session:
        columns = [str(each["name"]) for each in look["columns"]]
        mapping = mapping_for(session, due.merchant_id, columns)
        unclear = look["vendor"] == GOOGLE and lacking(mapping)
        request_id = import_jobs.enqueue(
            session, due.merchant_id, file=key, filename=filename, url=due.url, schedule_id=due.id,
            options=Options(removal=Removal(due.removal), check_pictures=due.check_pictures).as_json(),
            asked_by="schedule",
        )  # fmt: skip
        request = session.get_one(ImportRequest, request_id)
        request.survey = look
        code, message = "imported", "The feed is new and goes in."
        if sha256 == due.sha256:
            message = "The feed is as it was. The hosts of its pictures are asked whether these are."
        if unclear:
            request.state = "draft"
            code, message = "columns-unclear", "Say once what its columns mean, then it goes in by itself."
        note_outcome(
            session, due, code, message, request_id,
            etag=said.etag, last_modified=said.last_modified, sha256=sha256,
        )  # fmt: skip


def _note(sessions: Sessions, due: Due, code: str, message: str, said: Validators) -> None:
    with sessions.begin() as session:
        note_outcome(
            session, due, code, message, etag=said.etag, last_modified=said.last_modified
        )  # fmt: skip


def looked_at(path: Path, limits: FeedLimits) -> dict[str, Any]:
    """What a feed seems to be, found out in a child process. Raises FeedRefused."""
    with FeedProcess(path, limits=limits) as child:
        return child.look()
