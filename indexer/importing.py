"""Does what merchants asked for in the line of imports: fetch a feed, rehearse it, take it in, take it back.

One call of `step` is one request or one feed whose turn has come. It may be killed at any moment: another
takes the request over when its lease is over, and goes on behind the batches that are in.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session
from structlog import get_logger

from catalog.child_process import ChildUnavailable
from catalog.currency import currency_of
from catalog.database import AWAY
from catalog.importing import jobs as import_jobs
from catalog.importing.feed_process import LIMITS, FeedLimits
from catalog.importing.imports import Import, ImportSummary, begin_job, end_job, summary_of
from catalog.importing.jobs import Claim, ClaimLost
from catalog.importing.mappings import mapping_for
from catalog.importing.options import Options
from catalog.importing.readings import Reading, read_apart
from catalog.importing.rehearsal import rehearsed
from catalog.importing.schedules import claim_due
from catalog.importing.tables import ImportRequest
from catalog.importing.tidying import tidy_imports
from catalog.importing.undoing import undo
from catalog.models import ImportJob, RowError
from catalog.pictures.decoder import Decoder
from catalog.records import FeedRefused
from catalog.storage.blobs import Blobs, Incoming, StorageUnavailable
from catalog.storage.feed_files import FeedFileMissing, FeedFiles
from indexer.claims import Sessions
from indexer.feed_fetch import FeedFetcher
from indexer.fetching import fetch_for, refetch
from indexer.import_shows import Thumbnails, as_json, live_pictures
from indexer.machine import is_gone

log = get_logger("imports")
ALIVE_S = 5.0  # between two signs of life
TIDY_S = 3600.0
_OUTAGES = (*AWAY, StorageUnavailable, ChildUnavailable, OSError)


class ToldToStop(Exception):
    """This process ends: the request is handed back."""


@dataclass
class Imports:
    """The importing part of one worker. One step at a time."""

    sessions: Sessions
    files: FeedFiles
    blobs: Blobs
    incoming: Incoming
    decoder: Decoder
    worker_id: str
    fetcher: FeedFetcher
    ring: Callable[[Sequence[int]], None] = lambda _product_ids: None
    limits: FeedLimits = LIMITS
    lease_s: float = import_jobs.LEASE_S
    stop: threading.Event = field(default_factory=threading.Event)
    _tidied: float = float("-inf")

    def step(self) -> int:
        """Do one request, or fetch one feed whose turn has come; 0 when there was nothing to do."""
        if time.monotonic() - self._tidied > TIDY_S:
            self._tidied = time.monotonic()
            tidy_imports(self.sessions, self.files)
        if due := claim_due(self.sessions, self.worker_id):
            refetch(self.sessions, self.files, self.fetcher, self.limits, due)
            return 1
        return int(self.do())

    def do(self, only: int | None = None) -> bool:
        """Do the request that has waited longest, or `only` that one; False when it was not to be had."""
        claim = import_jobs.claim(self.sessions, self.worker_id, self.lease_s, is_gone, only)
        if claim is None:
            return False
        log.info("import-begun", request=claim.id, step=claim.step, merchant=claim.merchant_id)
        try:
            with _signs_of_life(self.sessions, claim):
                self._work(claim)
        except ClaimLost:
            log.warning("import-lost", request=claim.id)
        return True

    def _work(self, claim: Claim) -> None:
        steps = {"fetch": self._fetch, "rehearse": self._rehearse, "import": self._import, "undo": self._undo}
        try:
            steps[claim.step](claim)
        except FeedRefused as error:
            self._fail(claim, f"{error.message} {error.fix}")
        except FeedFileMissing:
            self._fail(claim, "The uploaded file is no longer kept. Upload it again.")
        except ToldToStop:
            self._hand_back(claim)
        except ClaimLost:
            raise
        except _OUTAGES:
            self._hand_back(claim)
            raise
        except Exception as error:
            log.error("import-failed", request=claim.id, exc_info=error)
            words = (
                f"The import was cut off ({type(error).__name__}). What had gone in is kept; start it again."
            )
            self._fail(claim, words)

    def _fetch(self, claim: Claim) -> None:
        fetch_for(self.sessions, self.files, self.fetcher, self.limits, claim)

    def _rehearse(self, claim: Claim) -> None:
        thumbnails = Thumbnails(self.decoder, self.blobs)
        with self._opened(claim) as (reading, options):
            only = self._only(options)
            would = rehearsed(
                self.sessions, claim.merchant_id, reading, options.removal, only, thumbnails.show
            )  # fmt: skip
        known = live_pictures(self.sessions, claim.merchant_id, would)
        said = as_json(would, thumbnails.of, known)
        with self.sessions.begin() as session:
            import_jobs.finish(session, claim, "rehearsed", rehearsal=said)

    def _import(self, claim: Claim) -> None:
        summary, done = self._begun(claim)
        with self._opened(claim) as (reading, options):
            run = Import(
                self.sessions, claim.merchant_id, summary, self.incoming, options.removal,
                on_commit=self.ring, hold=self._hold(claim), done=done, only=self._only(options),
                check_pictures=options.check_pictures,
            )  # fmt: skip
            run.take_in(reading)
        with self.sessions.begin() as session:
            end_job(session, run.summary, "done", run.summary.kept_because)
            import_jobs.finish(session, claim, "done", run.summary.kept_because)
        if options.check_pictures:
            self.ring([])
        log.info("import-done", request=claim.id, rows=summary.rows, refused=summary.refused)

    def _undo(self, claim: Claim) -> None:
        summary, _ = self._begun(claim, "undo")
        with self.sessions() as session:
            options = Options.of(session.get_one(ImportRequest, claim.id).options)
        assert options.undo_of is not None, "an undo names its import"  # noqa: S101 - enqueued so
        undo(
            self.sessions, claim.merchant_id, options.undo_of, summary, options.even_edited,
            self._hold(claim), self.ring,
        )  # fmt: skip
        with self.sessions.begin() as session:
            end_job(session, summary, "done", "")
            import_jobs.finish(session, claim, "done")

    def _begun(self, claim: Claim, kind: str = "import") -> tuple[ImportSummary, int]:
        """The run of this request, made now or taken over, and how many batches are in."""
        with self.sessions.begin() as session:
            request = session.get_one(ImportRequest, claim.id)
            if request.job_id is None:
                request.job_id = begin_job(session, claim.merchant_id, request.filename, kind).id
            job = session.get_one(ImportJob, request.job_id)
            return summary_of(job), request.batches

    def _hold(self, claim: Claim) -> Callable[[Session, int], None]:
        def hold(session: Session, batches: int) -> None:
            import_jobs.renew(session, claim, batches=batches, attempts=0)
            if self.stop.is_set():
                raise ToldToStop

        return hold

    @contextmanager
    def _opened(self, claim: Claim) -> Iterator[tuple[Reading, Options]]:
        with self.sessions() as session:
            request = session.get_one(ImportRequest, claim.id)
            options = Options.of(request.options)
            currency = currency_of(session, claim.merchant_id)
            file, images = request.file, request.images
            columns = [str(each["name"]) for each in request.survey.get("columns", ())]
            known = mapping_for(session, claim.merchant_id, columns) if columns else {}
            mapping = options.mapping or known
        with ExitStack() as stack:
            feed = stack.enter_context(self.files.opened(file))
            place: Path | None = stack.enter_context(self.files.opened(images)) if images else None
            yield stack.enter_context(read_apart(feed, place, currency, mapping, self.limits)), options

    def _only(self, options: Options) -> frozenset[int] | None:
        if options.only_failed_of is None:
            return None
        with self.sessions() as session:
            failed = select(RowError.row).where(RowError.job_id == options.only_failed_of)
            return frozenset(session.scalars(failed))

    def _fail(self, claim: Claim, message: str) -> None:
        with self.sessions.begin() as session:
            request = session.get(ImportRequest, claim.id)
            import_jobs.finish(session, claim, "failed", message)
            if request is not None and request.job_id is not None:
                job = session.get_one(ImportJob, request.job_id)
                end_job(session, summary_of(job), "failed", message)

    def _hand_back(self, claim: Claim) -> None:
        try:
            with self.sessions.begin() as session:
                import_jobs.give_back(session, claim)
        except AWAY:
            return  # its lease ends


@contextmanager
def _signs_of_life(sessions: Sessions, claim: Claim) -> Iterator[None]:
    """Renew the claim every few seconds while the block works: a batch may take longer than the lease."""
    over = threading.Event()

    def live() -> None:
        while not over.wait(ALIVE_S):
            try:
                with sessions.begin() as session:
                    import_jobs.renew(session, claim)
            except ClaimLost:
                return
            except AWAY:
                continue

    thread = threading.Thread(target=live, name="import-alive", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
