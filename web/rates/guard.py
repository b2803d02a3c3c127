"""What each request counts as, and the refusal of one too many: 429 with the time to wait."""

from typing import cast

from flask import Flask, current_app, g, request

from web.meters import meters
from web.problems import Problem, Refused
from web.rates.counting import Counting
from web.rates.settings import Limits
from web.rates.visitor import Proxies, visitor

EXTENSION = "twirl-rates"
FREE = {
    "pictures",
    "assets",
    "health",
    "embed",
}  # blueprints whose answers cost little and are kept by browsers
FREE_VIEWS = {"api.image", "assets", "static"}
SEARCHES = {"storefront.home", "api.search", "photos.garments"}
PHOTOS = {"storefront.search", "photos.keep"}


class Rates:
    """The limits of one application, and what has been counted against them."""

    def __init__(self, limits: Limits, redis_url: str = "") -> None:
        self.limits, self.proxies = limits, Proxies(limits.trusted_proxies)
        self.counting = Counting(redis_url)

    def check(self) -> None:
        """Count this request. Raises Refused where it is one too many."""
        secret = g.get("secret_key")
        if secret is not None:  # a program of a shop's own: whoever has the key is no visitor
            self._count(self.limits.rate_secret_key, "secret-key", str(secret.id))
            return
        key = g.get("search_key")
        if key is not None:
            self._count(self.limits.rate_key, "key", str(key.id))
        who = visitor(request, self.proxies)
        if not who:
            return
        self._count(self.limits.rate_requests, "requests", who)
        if request.endpoint in SEARCHES:
            self._count(self.limits.rate_searches, "searches", who)
        if request.endpoint in PHOTOS or (
            request.method == "POST" and request.mimetype == "multipart/form-data"
        ):
            self._count(self.limits.rate_photos, "photos", who)

    def _count(self, limit: int, name: str, who: str) -> None:
        wait = self.counting.wait_s(limit, name, who) if limit else 0
        if wait:
            meters().rate_refused.labels(name).inc()
            said, fix = "Too many requests came from here.", f"Try again in {wait} seconds."
            headers = {"Retry-After": str(wait)}
            raise Refused(Problem(429, "too-many-requests", said, fix, headers=headers))


def register(app: Flask) -> None:
    """Ask before every request that costs something."""
    app.before_request(_check)


def install(app: Flask, rates: Rates) -> None:
    """Have an application keep to these limits."""
    app.extensions[EXTENSION] = rates


def _check() -> None:
    rates = cast("Rates | None", current_app.extensions.get(EXTENSION))
    blueprint = (request.endpoint or "").partition(".")[0]
    if rates is not None and blueprint not in FREE and request.endpoint not in FREE_VIEWS:
        rates.check()
