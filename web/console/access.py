"""Who may call which view. A view that does not say whom it is for is for nobody.

`@needs(role)` is for views with `<shop>` in their address: who is no member of that shop learns nothing of it
(404), whose role is too small is told so (403). `@signed_in` is for whoever is logged in, `@public` for all.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from flask import Flask, current_app, g, redirect, request, session, url_for
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from accounts import audit as log
from accounts.members import Member, member_of
from accounts.models import User
from catalog.models import Merchant
from web.console.address import is_https, is_local
from web.problems import Problem, Refused, http
from web.services import services

View = TypeVar("View", bound=Callable[..., Any])
_FOR, _TAKES, _RECENT = "console_for", "console_takes", "console_recent"
RECENT_S = 900
EVERYBODY, LOGGED_IN = "everybody", "logged-in"
NO_STORE = "no-store"
SHARED = ("assets", "pictures")  # blueprints that the shop serves to everybody: here for their addresses


def needs(role: str) -> Callable[[View], View]:
    """A view of a shop, for members who are at least that: "viewer", "editor" or "owner"."""
    return _marked(_FOR, role)


def signed_in(view: View) -> View:
    """A view for whoever is logged in."""
    return _marked(_FOR, LOGGED_IN)(view)


def public(view: View) -> View:
    """A view for everybody."""
    return _marked(_FOR, EVERYBODY)(view)


def takes(megabytes: int) -> Callable[[View], View]:
    """A view that reads bodies of up to so much; the others read one MiB."""
    return _marked(_TAKES, megabytes * 1024 * 1024)


def recent(page: str) -> Callable[[View], View]:
    """A view for whoever has given the password lately; others are asked, and go on to that endpoint."""
    return _marked(_RECENT, page)


def _marked(name: str, value: object) -> Callable[[View], View]:
    def mark(view: View) -> View:
        setattr(view, name, value)
        return view

    return mark


def admits(view: Callable[..., Any]) -> str | None:
    """Whom a view is for: a role, LOGGED_IN, EVERYBODY, or None where it does not say."""
    return cast(str | None, getattr(view, _FOR, None))


def shop() -> Merchant:
    """The shop of this address, of which the user is a member."""
    return _found()[0]


def member() -> Member:
    """What the user is in this shop."""
    return _found()[1]


def user() -> User:
    """Who is logged in."""
    return cast(User, current_user._get_current_object())


def _found() -> tuple[Merchant, Member]:
    found = found_member()
    if found is None:
        raise RuntimeError("A view of a shop is marked with @needs(role).")
    return found


def found_member() -> tuple[Merchant, Member] | None:
    """The shop of this address and the member, once they are known."""
    return cast("tuple[Merchant, Member] | None", g.get("console_member"))


def may(role: str) -> bool:
    """Whether the member of this page may do what needs that role: for templates."""
    found = found_member()
    return found is not None and found[1].may(role)


@contextmanager
def change() -> Iterator[Session]:
    """A writing transaction. What `audit` notes inside the block is written with it, or not at all."""
    with services().sessions.begin() as db:
        g.console_change = db
        try:
            yield db
        finally:
            g.console_change = None


def audit(action: str, subject: str = "", **details: Any) -> None:
    """Note what the user does in this shop: within the current `change`, else by itself."""
    found = found_member()
    note(found[0].id if found else None, user(), action, subject, **details)


def note(merchant_id: int | None, who: User | None, action: str, subject: str = "", **details: Any) -> None:
    """Note a deed of a user who may not be logged in yet."""

    def write(db: Session) -> None:
        email = who.email if who else ""
        log.write(db, merchant_id, who.id if who else None, email, action, subject, details)

    held = g.get("console_change")
    if held is not None:
        write(held)
        return
    with services().sessions.begin() as db:
        write(db)


def install(app: Flask) -> None:
    """Ask before every view; take `shop` out of its arguments, and fill it into addresses that are made."""
    app.url_value_preprocessor(_take_shop)
    app.url_defaults(_fill_shop)
    app.before_request(_admit)
    app.after_request(_keep_private)


def _take_shop(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    g.shop_slug = (values or {}).pop("shop", None)


def _fill_shop(endpoint: str, values: dict[str, Any]) -> None:
    slug = g.get("shop_slug")
    if slug and "shop" not in values and current_app.url_map.is_endpoint_expecting(endpoint, "shop"):
        values["shop"] = slug


def _admit() -> Response | None:
    failed = getattr(session, "failed", None)
    if failed is not None:  # the database was away when the session was to be read
        raise failed
    if request.endpoint is None:  # nothing is there: the error says so
        return None
    view = current_app.view_functions[request.endpoint]
    request.max_content_length = getattr(view, _TAKES, current_app.config["MAX_CONTENT_LENGTH"])
    _refuse_in_the_clear()
    who = EVERYBODY if request.blueprint in SHARED else admits(view)
    if who == EVERYBODY:
        return None
    if who is None:
        raise RuntimeError(f"{request.endpoint} does not say whom it is for: mark it in web.console.access.")
    if not current_user.is_authenticated:
        return _to_login()
    if who != LOGGED_IN:
        if services().settings.console.second_factor == "required" and not user().totp_secret:
            return redirect(url_for("second_factor.form"), 303)
        _admit_member(who)
    if hasattr(view, _RECENT) and time.time() - session.get("fs_paa", 0) > RECENT_S:
        return redirect(url_for("confirming.form", next=url_for(getattr(view, _RECENT))), 303)
    return None


def _refuse_in_the_clear() -> None:
    """Refuse passwords and cookies that everybody on the way could read."""
    if not (is_https() or is_local()):
        raise Refused(
            Problem(
                403, "https-needed", "The console is not served without encryption.",
                "Come by https: put a proxy that ends TLS in front, which sends X-Forwarded-Proto.",
            )
        )  # fmt: skip


def _admit_member(role: str) -> None:
    with services().sessions() as db:
        found = member_of(db, user(), g.shop_slug or "")
    if found is None:
        raise http(404, fix="Start from the list of your shops.")
    g.console_member = found
    if not found[1].may(role):
        raise Refused(
            Problem(
                403, "role-too-small", f"You are {_a(found[1].role)} in this shop: this needs {_a(role)}.",
                "Ask an owner of the shop to do it, or for that role.",
            )
        )  # fmt: skip


def _a(role: str) -> str:
    return f"an {role}" if role[0] in "aeiou" else f"a {role}"


def _to_login() -> Response:
    """To the login, and back here after it; a program that asks for JSON is told."""
    if request.accept_mimetypes.best == "application/json":
        raise Refused(Problem(401, "logged-out", "You are not logged in.", "Log in at /console/login."))
    back = request.full_path.rstrip("?") if request.method == "GET" else "/console/"
    return redirect(url_for("login.form", next=back), 303)


def _keep_private(response: Any) -> Any:
    """What the console shows stays in nobody's cache."""
    response.headers.setdefault("Cache-Control", NO_STORE)
    if is_https():
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response
