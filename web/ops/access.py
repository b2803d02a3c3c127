"""Who may see the operators' pages: who shows the token; where there is none, this machine's own programs.

A program sends `Authorization: Bearer TOKEN`. A browser is asked for it once and is given a cookie that is
signed with a key made of the token: changing the token ends every session, and the server keeps nothing.
With a second factor the login asks for a code too, and the token alone only reads the metrics: it is what
lies about on Prometheus' machine.
"""

import hashlib
import hmac
from collections.abc import Callable
from ipaddress import ip_address
from typing import cast
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, current_app, redirect, render_template, request
from itsdangerous import BadSignature, TimestampSigner
from structlog import get_logger

from accounts.throttle import Throttle, TooOften
from accounts.tokens import derived
from web.meters import meters
from web.ops.codes import Codes
from web.ops.guesses import Guesses
from web.problems import Problem, Refused
from web.rates.visitor import Proxies, visitor
from web.services import services

TOKEN = "TWIRL_OPS_TOKEN"  # noqa: S105 - the name of the setting, and its key in the application's configuration
SECOND_FACTOR = "TWIRL_OPS_SECOND_FACTOR"
GUESSES = "twirl-operators-guesses"
COOKIE = "twirl_ops"
SESSION_S = 12 * 3600
OPEN = ("/healthz", "/readyz", "/assets/", "/favicon.ico", "/ops/login")
METRICS = "/metrics"  # what it opens by itself where there is a second factor
LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
_NOBODY = Proxies("none")

log = get_logger("web")
blueprint = Blueprint("access", __name__)


def install(app: Flask, token: str, second_factor: str = "") -> None:
    """Ask for the token before every view but the open ones."""
    app.config[TOKEN], app.config[SECOND_FACTOR] = token, second_factor
    if token:
        with app.app_context():
            sessions = services().sessions
        app.extensions[GUESSES] = Guesses(Throttle(sessions, derived(token, "twirl operators' tries")))
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
    if _has_session() or _brings_token():
        return None
    wrong = bool(_bearer())
    meters().ops_refused.labels("token-wrong" if wrong else "token-missing").inc()
    if request.method == "GET" and _is_page(request.path) and not wrong:
        return current_app.make_response(redirect("/ops/login", 303))
    raise Refused(_unauthorized())


def _brings_token() -> bool:
    """Whether a program may go on; a wrong token counts as a guess."""
    said = _bearer()
    if not said or not _judge(lambda: _is_token(said)):
        return False
    if current_app.config[SECOND_FACTOR] and not (request.method == "GET" and request.path == METRICS):
        meters().ops_refused.labels("code-missing").inc()
        raise Refused(
            Problem(
                403, "code-needed", "The token alone only reads the metrics here.",
                "Log in at /ops/login, with a code of the second factor.",
            )
        )  # fmt: skip
    return True


def _judge(is_right: Callable[[], bool]) -> bool:
    """Whether it is right, unless this visitor has guessed too often: then nothing is looked at."""
    try:
        return _guesses().judge(_who(), is_right)
    except TooOften as error:
        meters().ops_refused.labels("too-often").inc()
        log.warning("ops-login-throttled", address=request.remote_addr)
        raise Refused(_too_often(error.wait_s)) from None


def _guesses() -> Guesses:
    return cast(Guesses, current_app.extensions[GUESSES])


def _who() -> str:
    """The peer. What it says of others is not believed: it could be another one with each guess."""
    return visitor(request, _NOBODY) or "this machine"


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


def _too_often(wait_s: int) -> Problem:
    minutes = max(1, round(wait_s / 60))
    fix = f"Wait {minutes} minute{'s' if minutes > 1 else ''}, then try again."
    return Problem(
        429,
        "too-many-tries",
        "Too many wrong tokens came from here.",
        fix,
        headers={"Retry-After": str(wait_s)},
    )


@blueprint.get("/ops/login")
def login() -> str | Response:
    """The form that asks for the token; nothing to ask where there is none, or a session already."""
    if not may_open_sessions() or _has_session():
        return current_app.make_response(redirect("/ops", 303))
    return _form()


def _form(wrong: bool = False) -> str:
    return render_template("ops_login.html", wrong=wrong, asks_code=bool(current_app.config[SECOND_FACTOR]))


@blueprint.post("/ops/login")
def open_session() -> Response:
    """Compare the token, and the code where there is a second factor; give the browser its cookie."""
    if not may_open_sessions():
        return current_app.make_response(redirect("/ops", 303))
    if not _judge(_knows_all):
        meters().ops_refused.labels("token-wrong").inc()
        log.warning("ops-login-refused", address=request.remote_addr)
        return current_app.make_response((_form(wrong=True), 401))
    _guesses().forgive(_who())
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


def _knows_all() -> bool:
    """Whether the form has the token, and a code that is good now; that one is used up."""
    key = str(current_app.config[SECOND_FACTOR])
    step = Codes(key).step(request.form.get("code", "")) if key else None
    if not _is_token(request.form.get("token", "").strip()):
        return False
    return not key or (step is not None and _guesses().use_step(step))


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
    secrets = f"{current_app.config[TOKEN]}\0{current_app.config[SECOND_FACTOR]}".encode()
    key = hashlib.sha256(b"twirl operations session\0" + secrets).digest()
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
