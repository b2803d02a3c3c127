"""One GET of an address that a merchant gave: public addresses only, few redirects, an end by the clock."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import requests

from indexer.guard import guarded_session

MAX_REDIRECTS = 3
TIMEOUT_S = (5.0, 10.0)  # to connect, and between two reads


class AddressRefused(Exception):
    """The address is none that is fetched from; the message says why."""


class TooManyRedirects(Exception):
    """The address leads on and on."""


class Late(TimeoutError):
    """The deadline has passed."""


@dataclass(frozen=True)
class Get:
    """How an address is asked. `allow_private` opens loopback addresses and any port: for tests."""

    headers: Mapping[str, str]
    deadline_s: float
    allow_private: bool = False


@contextmanager
def followed(url: str, get: Get) -> Iterator[requests.Response]:
    """The answer at the end of the redirects, its body to be streamed within the block.

    Raises AddressRefused, TooManyRedirects, Late, and what requests raises.
    """
    session, guards = guarded_session(get.allow_private)
    late = threading.Event()

    def cut() -> None:
        late.set()
        for guard in guards:
            guard.cut()

    watchdog = threading.Timer(get.deadline_s, cut)
    watchdog.daemon = True
    watchdog.start()
    try:
        with _answer(session, url, get) as answer:
            yield answer
        if late.is_set():  # a body without a length ends quietly when the line is cut
            raise Late
    except (requests.RequestException, OSError, ValueError) as error:
        if late.is_set():
            raise Late from error
        raise
    finally:
        watchdog.cancel()
        session.close()


def _answer(session: requests.Session, url: str, get: Get) -> requests.Response:
    for _ in range(MAX_REDIRECTS + 1):
        _check(url, get.allow_private)
        options = {"stream": True, "allow_redirects": False, "timeout": TIMEOUT_S}
        answer = session.get(url, headers=dict(get.headers), **options)  # type: ignore[arg-type]
        if not answer.is_redirect:
            return answer
        answer.close()
        url = urljoin(url, answer.headers["location"])
    raise TooManyRedirects


def _check(url: str, allow_private: bool) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or parts.username is not None:
        raise AddressRefused("Addresses are plain http:// or https:// ones.")
    if parts.port not in (None, 80, 443) and not allow_private:
        raise AddressRefused(f"Port {parts.port} is not fetched from.")
