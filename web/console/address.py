"""How the browser reaches us: by https or not, by which name, and from where."""

from functools import cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Request, request

from web.rates.visitor import Proxies
from web.rates.visitor import visitor as named_visitor
from web.services import services

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


def is_https(asked: Request | None = None) -> bool:
    """Whether the browser speaks https, to us or to the proxy in front of us."""
    asked = asked or request
    if asked.is_secure:
        return True
    named = asked.headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip().lower()
    return named == "https" and _from_proxy(asked)


def is_local(asked: Request | None = None) -> bool:
    """Whether the browser knows us by a name of its own machine: nobody listens between."""
    try:
        return urlsplit(f"//{(asked or request).host}").hostname in LOCAL_NAMES
    except ValueError:
        return False


def visitor() -> str:
    """Where the request comes from, as the limits of visitors count it (`web.rates.visitor`)."""
    return named_visitor(request, _proxies()) or "this machine"


def _from_proxy(asked: Request) -> bool:
    """Whether the peer is a proxy of ours (TWIRL_TRUSTED_PROXIES)."""
    try:
        return _proxies().trust(ip_address(asked.remote_addr or ""))
    except ValueError:
        return False


def _proxies() -> Proxies:
    return _read(services().settings.limits.trusted_proxies)


@cache
def _read(said: str) -> Proxies:
    return Proxies(said)


def public_root() -> str:
    """The address that links to the console begin with, without a slash at its end."""
    given = services().settings.console.public_url.rstrip("/")
    return given or f"{'https' if is_https() else 'http'}://{request.host}"
