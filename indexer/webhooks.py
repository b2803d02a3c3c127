"""Sends what webhooks are to be told: signed, to public addresses only, again after longer and longer pauses.

A message is claimed by moving its next attempt behind a lease, so one whose sender dies is sent again: at
least once, always under the same id. Who it is from is proved by the signature (Standard Webhooks 1.0).
"""

import random
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
from requests_hardened.ip_filter import InvalidIPAddress
from sqlalchemy import select, update
from structlog import get_logger

from catalog.clock import instant
from catalog.database import AWAY
from catalog.programs.announcements import Announcer, claimable
from catalog.programs.tables import Webhook, WebhookDelivery
from catalog.programs.webhooks import give_up, signature
from indexer.claims import Sessions
from indexer.guard import guarded_session

log = get_logger("webhooks")
DEADLINE_S = 10.0  # for one answer, all in all
TIMEOUT_S = (4.0, 8.0)  # to connect, and between two reads
LEASE_S = 60.0  # after which a message whose sender is silent is another's
AT_ONCE = 8
LOOK_S = 1.0  # between two looks at the ledger
AGENT = "Twirl webhooks (+https://www.standardwebhooks.com)"
PAUSES_S = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)  # as Standard Webhooks recommends
JITTER = 0.1  # so that what failed together does not come back together
GONE = 410  # the receiver says that it wants no more


@dataclass(frozen=True)
class Letter:
    """One message on its way."""

    id: int
    attempts: int
    webhook_id: int
    message_id: str
    payload: str
    url: str
    secret: str


@dataclass(frozen=True)
class Fate:
    """What came of one try: the receiver's status, or why there is none."""

    status: int | None
    error: str = ""

    @property
    def arrived(self) -> bool:
        """Whether the receiver has taken it."""
        return self.status is not None and 200 <= self.status < 300


class Messenger:
    """Announces and sends. `allow_private` opens loopback addresses and any port: for tests."""

    def __init__(
        self, sessions: Sessions, allow_private: bool = False, deadline_s: float = DEADLINE_S
    ) -> None:
        self.sessions, self.allow_private, self.deadline_s = sessions, allow_private, deadline_s
        self._announcer = Announcer(sessions)
        self._looking = threading.Lock()

    def step(self) -> int:
        """One look: write down what has ended, send what is due; return how many were sent."""
        with self._looking:
            self._announcer.look()
        letters = self._claim()
        if not letters:
            return 0
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook") as threads:
            for letter, fate in zip(letters, threads.map(self._send, letters), strict=True):
                self._note(letter, fate)
        return len(letters)

    def due(self) -> bool:
        """Whether `step` has something to send, once what has ended is written down."""
        with self._looking:
            self._announcer.look()
        with self.sessions() as session:
            return session.scalar(claimable(instant(session), 1)) is not None

    def _claim(self) -> list[Letter]:
        with self.sessions() as session:
            if session.scalar(claimable(instant(session), 1)) is None:
                return []
        with self.sessions.begin() as session:
            at = instant(session)
            ids = list(session.scalars(claimable(at, AT_ONCE)))
            still = WebhookDelivery.state == "waiting", WebhookDelivery.next_attempt_at <= at
            held = select(WebhookDelivery).where(WebhookDelivery.id.in_(ids), *still)
            held = held.order_by(WebhookDelivery.id).with_for_update(skip_locked=True)
            claimed = list(session.scalars(held))
            hooks = select(Webhook).where(Webhook.id.in_({each.webhook_id for each in claimed}))
            by_id = {hook.id: hook for hook in session.scalars(hooks)}
            for each in claimed:
                each.attempts += 1
                each.next_attempt_at = at + timedelta(seconds=LEASE_S)
            return [_letter(each, by_id[each.webhook_id]) for each in claimed]

    def _send(self, letter: Letter) -> Fate:
        with self.sessions() as session:
            stamp = int(instant(session).timestamp())
        body = letter.payload.encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": AGENT,
            "webhook-id": letter.message_id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": signature(letter.secret, letter.message_id, stamp, letter.payload),
        }
        return post(letter.url, body, headers, self.allow_private, self.deadline_s)

    def _note(self, letter: Letter, fate: Fate) -> None:
        """Write down what came of it, if nobody else has taken it meanwhile."""
        with self.sessions.begin() as session:
            at = instant(session)
            state, next_at = _next(letter.attempts, fate, at)
            mine = WebhookDelivery.id == letter.id, WebhookDelivery.attempts == letter.attempts
            said = update(WebhookDelivery).where(*mine, WebhookDelivery.state == "waiting")
            session.execute(
                said.values(
                    state=state, next_attempt_at=next_at, status=fate.status, error=fate.error[:300],
                    ended_at=None if state == "waiting" else at,
                )
            )  # fmt: skip
            if state == "failed":
                give_up(session, letter.webhook_id, f"{letter.attempts} tries, the last one: {fate.error}")
        log.info(
            "webhook", message=letter.message_id, attempt=letter.attempts, state=state, status=fate.status
        )


def post(
    url: str, body: bytes, headers: Mapping[str, str], allow_private: bool, deadline_s: float = DEADLINE_S
) -> Fate:
    """Send to a public address and look at the status alone. Redirects are not followed."""
    session, guards = guarded_session(allow_private)
    late = threading.Event()

    def cut() -> None:
        late.set()
        for guard in guards:
            guard.cut()

    watchdog = threading.Timer(deadline_s, cut)
    watchdog.daemon = True
    watchdog.start()
    options: dict[str, Any] = {"stream": True, "allow_redirects": False, "timeout": TIMEOUT_S}
    try:
        if not allow_private and urlsplit(url).port not in (None, 443):
            raise InvalidIPAddress(url)
        with session.post(url, data=body, headers=dict(headers), **options) as answer:
            status = int(answer.status_code)
    except (requests.RequestException, OSError, ValueError) as error:
        return Fate(None, _words(error, late.is_set(), deadline_s))
    finally:
        watchdog.cancel()
        session.close()
    return Fate(status, "" if 200 <= status < 300 else f"The receiver answered {status}.")


@contextmanager
def beside(messenger: Messenger, look_s: float = LOOK_S) -> Iterator[None]:
    """Have a thread send while the block runs: what is slow elsewhere keeps no indexing waiting."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(look_s):
            try:
                while messenger.step() and not stop.is_set():
                    pass
            except AWAY as error:
                log.warning("waiting", reason=str(error)[:200])
            except Exception as error:
                log.error("webhooks-failed", exc_info=error)

    thread = threading.Thread(target=work, name="webhooks", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(DEADLINE_S)


def _letter(row: WebhookDelivery, hook: Webhook) -> Letter:
    return Letter(row.id, row.attempts, hook.id, row.message_id, row.payload, hook.url, hook.secret)


def _next(attempts: int, fate: Fate, at: datetime) -> tuple[str, datetime]:
    """The state after a try, and when the next one is due."""
    if fate.arrived:
        return "delivered", at
    if fate.status == GONE or attempts > len(PAUSES_S):
        return "failed", at
    pause_s = PAUSES_S[attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER)
    return "waiting", at + timedelta(seconds=pause_s)


def _words(error: Exception, late: bool, deadline_s: float) -> str:
    """What a merchant may read of it: nothing of what lies behind an address."""
    if late or isinstance(error, requests.Timeout):
        return f"No answer within {deadline_s:g} s."
    if isinstance(error, InvalidIPAddress):
        return "The address is not one of the public internet."
    if isinstance(error, requests.exceptions.SSLError):
        return "The receiver's certificate cannot be trusted."
    return "The receiver cannot be reached."
