"""Asks the hosts of live pictures whether they have others by now: see `catalog.picture_checks`.

A worker does so where it finds nothing to fetch. It takes pictures of one merchant at a time, each merchant
that waits in turn, by moving when they are due a lease ahead: where it dies, they are another's after that.
"""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session, contains_eager
from structlog import get_logger

from catalog.clock import instant
from catalog.models import CHECKED, Image
from catalog.picture_checks import Held, NewBytes, let_go, note_failed, note_same, put_new_bytes
from catalog.pictures.decoder import Decoder, ImageRefused
from catalog.storage.blobs import Blobs
from indexer.claims import WORKER_DIED, Sessions
from indexer.errors import FetchFailed
from indexer.fetch import Fetcher
from indexer.ledger import MAX_TRIES, pause
from indexer.validators import Validators

log = get_logger("indexer")
LEASE_S = 300.0  # twice what the slowest hosts can make of a batch
MOST = 32  # pictures of one batch
_DIED = FetchFailed(WORKER_DIED, "Asking for it ended its worker.", "Replace the picture by hand.")


@dataclass
class _Group:
    """Pictures of one merchant at one address with one state of bytes: asked for once."""

    merchant_id: int
    attempts: int
    validators: Validators
    held: list[Held] = field(default_factory=list)


@dataclass
class Checked:
    """What came of a batch: pictures asked about, those that are others now, those of which asking failed."""

    claimed: int = 0
    changed: int = 0
    failed: int = 0


_Outcome = FetchFailed | ImageRefused | NewBytes | Validators


@dataclass
class Checks:
    """The checks of one worker. Safe between threads; `threads` are lent.

    `is_outage` tells faults of ours, or of the world, from those of a picture.
    """

    sessions: Sessions
    fetcher: Fetcher
    decoder: Decoder
    blobs: Blobs
    threads: ThreadPoolExecutor
    is_outage: Callable[[Exception], bool]
    _served: int = 0  # the merchant that was served last

    def due(self) -> bool:
        """Whether a batch would find anything."""
        return checks_due(self.sessions)

    def step(self, limit: int = MOST) -> Checked:
        """Ask about a batch. Raises what is the world's fault, with the pictures let go."""
        groups = self._claim(min(limit, MOST))
        checked = Checked(claimed=sum(len(group.held) for group in groups))
        open_ = list(groups)
        try:
            for group, outcome in zip(groups, self.threads.map(self._outcome, groups), strict=True):
                self._settle(group, outcome, checked)
                open_.remove(group)
        except Exception:
            self._let_go(open_)
            raise
        if groups:
            log.info("checked", **vars(checked))
        return checked

    def _claim(self, limit: int) -> list[_Group]:
        with self.sessions.begin() as session:
            merchant = _next_merchant(session, self._served) or _next_merchant(session, 0)
            self._served = merchant or 0
            return [] if merchant is None else _take(session, merchant, limit)

    def _outcome(self, group: _Group) -> _Outcome:
        """What came of asking: what failed, new bytes, or what the host says of those that we have."""
        if group.attempts > MAX_TRIES:
            return _DIED
        try:
            return self._asked(group)
        except (FetchFailed, ImageRefused) as failed:
            return failed
        except Exception as error:
            if self.is_outage(error):
                raise
            log.error("check-failed", source=group.held[0].source, exc_info=error)
            return FetchFailed("indexing-error", repr(error)[:300], "It is tried again by itself.", True)

    def _asked(self, group: _Group) -> NewBytes | Validators:
        known = group.held[0]
        fetched = self.fetcher.get(known.source, group.validators)
        if fetched.data is None or hashlib.sha256(fetched.data).hexdigest() == known.sha256:
            return fetched.validators
        picture = self.decoder.decode(fetched.data, renditions=True)
        self.blobs.put(picture.sha256, picture.renditions)
        said = fetched.validators
        return NewBytes(picture.sha256, picture.width, picture.height, said.etag, said.last_modified)

    def _settle(self, group: _Group, outcome: _Outcome, checked: Checked) -> None:
        with self.sessions.begin() as session:
            if isinstance(outcome, Validators):
                note_same(session, group.held, outcome.etag, outcome.last_modified)
            elif isinstance(outcome, NewBytes):
                checked.changed += len(put_new_bytes(session, group.merchant_id, group.held, outcome))
            else:
                checked.failed += len(group.held)
                _fail(session, group, outcome)

    def _let_go(self, groups: Sequence[_Group]) -> None:
        with self.sessions.begin() as session:
            for group in groups:
                let_go(session, group.held, group.attempts - 1)


def checks_due(sessions: Sessions) -> bool:
    """Whether any picture is to be asked about now."""
    with sessions() as session:
        return _next_merchant(session, 0) is not None


def _next_merchant(session: Session, above: int) -> int | None:
    """The first merchant above an id that has pictures to be asked about now."""
    due = select(Image.merchant_id).where(
        text(CHECKED), Image.merchant_id > above, Image.check_at <= instant(session)
    )
    return session.scalars(due.order_by(Image.merchant_id, Image.check_at, Image.id).limit(1)).first()


def _take(session: Session, merchant_id: int, limit: int) -> list[_Group]:
    at = instant(session)
    due = select(Image).join(Image.product).options(contains_eager(Image.product)).where(
        text(CHECKED), Image.merchant_id == merchant_id, Image.check_at <= at
    )  # fmt: skip
    due = due.order_by(Image.check_at, Image.id).limit(limit)
    images = session.scalars(due.with_for_update(of=Image, skip_locked=True, key_share=True)).all()
    until = at + timedelta(seconds=LEASE_S)
    ids = [image.id for image in images]
    taken = (
        update(Image).where(Image.id.in_(ids)).values(check_at=until, check_attempts=Image.check_attempts + 1)
    )
    session.execute(taken, execution_options={"synchronize_session": False})
    groups: dict[tuple[str, str | None, Validators, int], _Group] = {}
    for image in images:
        said = Validators(image.etag, image.last_modified)
        tries = image.check_attempts + 1
        group = groups.setdefault(
            (image.source, image.sha256, said, tries), _Group(merchant_id, tries, said)
        )  # fmt: skip
        group.held.append(Held(image.id, image.product.sku, image.source, image.sha256 or "", until))
    return list(groups.values())


def _fail(session: Session, group: _Group, failed: FetchFailed | ImageRefused) -> None:
    """Later again, where that may help; the picture of before stays."""
    again_at, tries = None, group.attempts
    if isinstance(failed, FetchFailed) and failed.transient:
        tries -= not failed.asked
        if tries < MAX_TRIES:
            again_at = instant(session) + pause(group.attempts, failed.wait_s, failed.asked)
    note_failed(session, group.held, failed.code, f"{failed.message} {failed.fix}", again_at, tries)
