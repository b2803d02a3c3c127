"""Who may see the operators' pages: who shows the token; where there is none, this machine's own programs.

A program sends `Authorization: Bearer TOKEN`. A browser is asked for it once and is given a cookie that is
signed with a key made of the token: changing the token ends every session, and the server keeps nothing.
"""

import hashlib
import hmac
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, current_app, redirect, render_template, request
from itsdangerous import BadSignature, TimestampSigner
from structlog import get_logger

from web.meters import meters
from web.problems import Problem, Refused

TOKEN = "TWIRL_OPS_TOKEN"  # noqa: S105 - the name of the setting, and its key in the application's configuration
COOKIE = "twirl_ops"
SESSION_S = 12 * 3600
OPEN = ("/healthz", "/readyz", "/assets/", "/favicon.ico", "/ops/login")
LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")

log = get_logger("web")
blueprint = Blueprint("access", __name__)


def install(app: Flask, token: str) -> None:
    """Ask for the token before every view but the open ones."""
    app.config[TOKEN] = token
    app.before_request(_refuse_strangers)
    app.register_blueprint(blueprint)


def may_open_sessions() -> bool:
    """Whether there is a login at all."""
    return bool(current_app.config[TOKEN])


def _refuse_strangers() -> Response | None:
    if request.path.startswith(OPEN):
        return None
    if not current_app.config[TOKEN]:
        _refuse_unless_local()
        return None
    if _is_token(_bearer()) or _has_session():
        return None
    wrong = bool(_bearer())
    meters().ops_refused.labels("token-wrong" if wrong else "token-missing").inc()
    if request.method == "GET" and _is_page(request.path) and not wrong:
        return current_app.make_response(redirect("/ops/login", 303))
    raise Refused(_unauthorized())


def _is_page(path: str) -> bool:
    """Whether people look at it, who can be asked to log in."""
    return path == "/" or (path.startswith("/ops") and not path.endswith(".json"))


def _refuse_unless_local() -> None:
    """Without a token only a program of this machine, that knows it by a name of this machine's.

    The name keeps a web page from reaching us through its reader's browser, its own name pointing here.
    """
    if _is_loopback(request.remote_addr) and _host() in LOCAL_NAMES:
        return
    meters().ops_refused.labels("not-from-here").inc()
    port = request.environ.get("SERVER_PORT")
    way_in = f"Ask for http://127.0.0.1:{port} on the machine itself, or set TWIRL_OPS_TOKEN."
    raise Refused(Problem(403, "not-from-here", "These pages are for this machine alone.", way_in))


def _host() -> str:
    """The name that the client knows us by, without the port."""
    return request.host.rsplit(":", 1)[0] if not request.host.endswith("]") else request.host


def _is_loopback(address: str | None) -> bool:
    try:
        return ip_address(address or "").is_loopback
    except ValueError:
        return False


def _bearer() -> str:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


def _is_token(given: str) -> bool:
    return hmac.compare_digest(given.encode(), str(current_app.config[TOKEN]).encode())


def _unauthorized() -> Problem:
    return Problem(
        401, "token-needed", "These pages are for operators.",
        "Send Authorization: Bearer with the value of TWIRL_OPS_TOKEN, or log in at /ops/login.",
        headers={"WWW-Authenticate": 'Bearer realm="twirl operations"'},
    )  # fmt: skip


@blueprint.get("/ops/login")
def login() -> str | Response:
    """The form that asks for the token; nothing to ask where there is none, or a session already."""
    if not may_open_sessions() or _has_session():
        return current_app.make_response(redirect("/ops", 303))
    return render_template("ops_login.html", wrong=False)


@blueprint.post("/ops/login")
def open_session() -> Response:
    """Compare the token and give the browser its cookie."""
    if not may_open_sessions():
        return current_app.make_response(redirect("/ops", 303))
    if not _is_token(request.form.get("token", "").strip()):
        meters().ops_refused.labels("token-wrong").inc()
        log.warning("ops-login-refused", address=request.remote_addr)
        return current_app.make_response((render_template("ops_login.html", wrong=True), 401))
    response = current_app.make_response(redirect("/ops", 303))
    response.set_cookie(
        COOKIE,
        _signer().sign(b"operator").decode(),
        max_age=SESSION_S,
        httponly=True,
        samesite="Strict",
        secure=request.is_secure,
    )
    log.info("ops-login", address=request.remote_addr)
    return response


@blueprint.post("/ops/logout")
def close_session() -> Response:
    """Take the cookie back."""
    response = current_app.make_response(redirect("/ops/login", 303))
    response.delete_cookie(COOKIE, samesite="Strict", httponly=True)
    return response


def _has_session() -> bool:
    given = request.cookies.get(COOKIE, "")
    if not given or not may_open_sessions():
        return False
    try:
        return _signer().unsign(given, max_age=SESSION_S) == b"operator"
    except BadSignature:  # another token's, expired, or made up
        return False


def _signer() -> TimestampSigner:
    key = hashlib.sha256(b"twirl operations session\0" + str(current_app.config[TOKEN]).encode()).digest()
    return TimestampSigner(key, salt="twirl.ops", digest_method=hashlib.sha256)


def refuse_other_sites() -> None:
    """Refuse a change that a browser sends for any page but ours.

    Stricter than the shop's rule: a sibling site of the same domain is refused too, and so is a browser that
    says nothing of where the form came from while it brings a cookie along.
    """
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        ours = site == "same-origin"
    elif origin is not None:
        ours = urlsplit(origin).netloc == request.host
    else:
        ours = COOKIE not in request.cookies
    if not ours:
        raise Refused(
            Problem(403, "cross-site", "The request came from another site.", "Use the buttons of /ops.")
        )
