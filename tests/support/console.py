"""Clients of the merchants' console that are logged in, with a token for every form.

    console = console_app(services)
    client = console_client(services, "editor")           # of the shop that is served
    client = console_client(services, "owner", shop="other")
    client.get(f"/console/{client.shop}/items/")
    client.post(f"/console/{client.shop}/items/7/hide", data={...})     # the form's token is sent along

The account is real and so is its session; only the login page is passed over (it hashes a password).
"""

import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import TestResponse

from accounts import sessions as ledger
from accounts.members import join
from accounts.models import User
from accounts.sessions import Lifetime
from accounts.users import create_user
from bootstrap import Services
from catalog.products import ensure_merchant
from settings import Settings
from web.console.app import create_console_app
from web.console.sessions import PLAIN

KEY = "a key for tests"
PASSWORD = "tulip granite seven harbour"  # noqa: S105 - of accounts that log in by the page
_APPS: "WeakKeyDictionary[Services, Flask]" = WeakKeyDictionary()


class ConsoleClient(FlaskClient):
    """A browser that is logged in; `user` and the slug of its `shop`."""

    user: User
    shop: str
    raw_token = ""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a request; one that changes something with the form's token, unless a header says another."""
        headers = dict(kwargs.pop("headers", None) or {})
        if self.raw_token:
            headers.setdefault("X-CSRFToken", self.form_token())
        return super().open(*args, headers=headers, **kwargs)

    def form_token(self) -> str:
        """What a form of this session holds as csrf_token."""
        signer = URLSafeTimedSerializer(self.application.secret_key or "", salt="wtf-csrf-token")
        return str(signer.dumps(self.raw_token))


def console_app(services: Services) -> Flask:
    """The console over these services, made once."""
    if services not in _APPS:
        _APPS[services] = create_console_app(services, KEY)
    return _APPS[services]


def console_client(
    services: Services,
    role: str | None = "owner",
    shop: str | None = None,
    app: Flask | None = None,
    recent: bool = False,
) -> ConsoleClient:
    """A new person with that role in a shop (made if it is not there), logged in; None: a member of none.

    `recent`: the password was given just now, so that sensitive changes do not ask for it.
    """
    app = app or console_app(services)
    slug = shop or services.settings.web.shop
    person, token, raw = account(services, role, slug, recent)
    client = ConsoleClient(app, app.response_class, use_cookies=True)
    client.user, client.shop, client.raw_token = person, slug, raw
    client.set_cookie(PLAIN, f"s.{token}", path="/console")
    return client


def bare_services(folder: Path, merchant: bool = True, **console: Any) -> Services:
    """Services over an empty installation: enough for what needs neither index nor model."""
    given = Settings()
    chosen = replace(given.console, **console)
    services = Services(replace(given, storage=replace(given.storage, data=folder), console=chosen))
    services.prepare()
    if merchant:
        services.merchant()
    return services


def log_in(browser: FlaskClient, email: str, password: str = PASSWORD, **said: str) -> TestResponse:
    """Fill in the login page."""
    return fill_in(browser, "/console/login", email=email, password=password, **said)


def fill_in(browser: FlaskClient, page: str, to: str = "", **said: str) -> TestResponse:
    """Load a page and send its form, with the token that is in it, there or to another address."""
    shown = browser.get(page)
    assert shown.status_code == 200, (shown.status_code, shown.headers.get("Location"), shown.text)
    return browser.post(to or page.partition("?")[0], data={**said, "csrf_token": token_of(shown.text)})


def token_of(page: str) -> str:
    """What the first form of a page holds as csrf_token."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, page
    return found[1]


def account(services: Services, role: str | None, slug: str, recent: bool = False) -> tuple[User, str, str]:
    """A new account and a session of it: (user, the session's token, what its forms' tokens are made of)."""
    raw = secrets.token_hex(20)
    with services.sessions.begin() as session:
        merchant = ensure_merchant(session, slug)
        person = create_user(session, f"{role or 'nobody'}-{secrets.token_hex(4)}@{slug}.example")
        if role is not None:
            join(session, person.id, merchant.id, role)
        held = {"_user_id": person.fs_uniquifier, "_fresh": True, "csrf_token": raw}
        held |= {"fs_paa": time.time()} if recent else {}
        token = ledger.begin(session, person.id, held, "tests", Lifetime(3600, 86_400))
    return person, token, raw


@contextmanager
def served_console(services: Services) -> Iterator[str]:
    """The console on a free port of this machine, for a browser; gives the address."""
    server = make_server(
        "127.0.0.1", 0, console_app(services), threaded=True, request_handler=type(
            "Quiet", (WSGIRequestHandler,), {"log_request": lambda *_: None}
        ),
    )  # fmt: skip
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(5)


def cookie_of(
    services: Services, address: str, role: str | None = "owner", shop: str | None = None
) -> dict[str, str]:
    """The cookie of a new person's session, as Playwright's `context.add_cookies([...])` takes it."""
    _, token, _ = account(services, role, shop or services.settings.web.shop, recent=True)
    host = urlsplit(address).hostname or ""
    return {"name": PLAIN, "value": f"s.{token}", "domain": host, "path": "/console"}
