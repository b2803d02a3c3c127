"""Who of another site may use the API: pages of the origins of a search key that they show.

The answer's headers are those of the Fetch standard (CORS). Our own pages, and programs that are no browsers,
need no key; one that is shown must be good all the same.
"""

from typing import cast
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from catalog.programs.search_keys import Key
from web.api.catalogue import keys as secret_keys
from web.embed.keys import Keys
from web.problems import Problem, Refused
from web.rates.guard import EXTENSION as RATES
from web.rates.guard import Rates
from web.rates.visitor import Proxies, visitor
from web.services import services

EXTENSION = "twirl-embed"
PER_MINUTE = 120  # requests of one key and one visitor
PREFLIGHT_S = 600
_HEADERS = "authorization, content-type"
_EXPOSED = "Retry-After, X-Request-ID"


class Guard:
    """The keys of this application, and how often each visitor used one in this process."""

    def __init__(self, keys: Keys, per_minute: int = PER_MINUTE) -> None:
        self.keys = keys
        self._limit = RateLimitItemPerMinute(per_minute)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def hit(self, key: Key, visitor: str) -> bool:
        """Count one request; False where it is one too many."""
        return self._limiter.hit(self._limit, str(key.id), visitor)


def install(app: Flask, guard: Guard) -> None:
    """Answer other sites' browsers."""
    app.extensions[EXTENSION] = guard
    app.after_request(_answer)


def admits() -> bool:
    """Whether this request is one of another site with a good key. Raises Refused for a bad one."""
    shown = request.headers.get("Authorization", "")
    if not _is_api() or EXTENSION not in current_app.extensions or not shown.startswith("Bearer "):
        return False
    token = shown.removeprefix("Bearer ").strip()
    if secret_keys.is_secret(token):
        secret_keys.admit(token)
        return True
    key = _key(token)
    origin = request.headers.get("Origin")
    if origin is not None and origin not in key.origins and not _is_own(origin):
        said = f"The key is not for pages of {origin[:200]}."
        raise Refused(
            Problem(403, "origin-not-bound", said, "Make a key with that --origin: twirl keys create.")
        )
    if not _guard().hit(key, _visitor()):
        said, fix = "This visitor searches too often.", "Wait a moment, then try again."
        raise Refused(Problem(429, "too-many-requests", said, fix, headers={"Retry-After": "15"}))
    _guard().keys.note(key)
    g.search_key = key
    return True


def _answer(response: Response) -> Response:
    """Say whether a page of another site may read this."""
    if not _is_api():
        return response
    response.vary.add("Origin")
    origin = request.headers.get("Origin")
    if origin is None or _is_own(origin) or origin not in _origins():
        return response
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = _EXPOSED
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, DELETE, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = _HEADERS
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_S)
    return response


def _origins() -> frozenset[str]:
    """Of all good keys. None where the database is away: the answer says so to others."""
    try:
        return _guard().keys.origins()
    except Exception:  # whatever it is has been answered, or will be
        return frozenset()


def _key(shown: str) -> Key:
    found = _guard().keys.find(shown)
    if found is None:
        fix = "Take one of: twirl keys. A page of this shop needs none."
        headers = {"WWW-Authenticate": "Bearer"}
        raise Refused(Problem(401, "key-unknown", "There is no such search key.", fix, headers=headers))
    return found


def _visitor() -> str:
    """Where a request comes from; behind a proxy that is trusted, the address that it names last."""
    rates = cast("Rates | None", current_app.extensions.get(RATES))
    proxies = rates.proxies if rates is not None else Proxies()
    return visitor(request, proxies) or request.remote_addr or ""


def _is_api() -> bool:
    return request.path.startswith("/api/")


def _is_own(origin: str) -> bool:
    return urlsplit(origin).netloc == request.host


def _guard() -> Guard:
    return cast(Guard, current_app.extensions[EXTENSION])


def guard_of(app: Flask) -> Guard:
    """For the application whose services are in place."""
    with app.app_context():
        return Guard(Keys(services().sessions))
