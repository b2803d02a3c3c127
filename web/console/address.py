"""How the browser reaches us: by https or not, by which name, and from where."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Request, request

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
    """Where the request comes from; behind a proxy of our own network, the address that it names last."""
    peer = request.remote_addr or ""
    named = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return named[:64] if named and _from_proxy(request) else peer


def _from_proxy(asked: Request) -> bool:
    """Whether the peer can be a proxy of ours: its address is of a private network."""
    try:
        return ip_address(asked.remote_addr or "").is_private
    except ValueError:
        return False


def public_root() -> str:
    """The address that links to the console begin with, without a slash at its end."""
    given = services().settings.console.public_url.rstrip("/")
    return given or f"{'https' if is_https() else 'http'}://{request.host}"
