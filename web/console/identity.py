"""Flask-Security in the console: it hashes and checks passwords, and knows who is logged in.

Its views, mails and tokens are not used: the console's own pages do less and say it in their words (ADR 300).
"""

from typing import Any, cast

from flask import Flask, session
from flask_security import Security, UserDatastore
from flask_security.utils import hash_password, login_user, logout_user, verify_and_update_password
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from accounts.models import User
from accounts.tokens import derived
from web import errors
from web.problems import Problem
from web.services import Services

DUMMY = "twirl-dummy-hash"


class Users(UserDatastore):
    """Our accounts, as Flask-Security asks for them. Changes go through `accounts`, not through here."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        super().__init__(cast(Any, User), cast(Any, object))
        self._sessions = sessions

    def find_user(self, case_insensitive: bool = False, **named: Any) -> Any:
        """The account of that fs_uniquifier."""
        with self._sessions() as db:
            return db.scalars(select(User).filter_by(**named)).one_or_none()

    def put(self, model: User) -> User:
        """Nothing: whoever changes an account writes it down."""
        return model


def install(app: Flask, services: Services, key: str) -> None:
    """Protect every form, and know who is logged in."""
    app.config.update(
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106 - the name of the function
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        SECURITY_PASSWORD_SINGLE_HASH={"argon2"},  # a lost key must not cost everybody's password
        SECURITY_PASSWORD_SALT=derived(key, "twirl passwords").hex(),
        SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS={
            "argon2__type": "ID",
            "argon2__memory_cost": 19_456,  # KiB: the least that OWASP names, so that many at once fit
            "argon2__time_cost": 2,
            "argon2__parallelism": 1,
        },
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        WTF_CSRF_SSL_STRICT=False,  # `web.headers` asks where the form comes from, behind proxies too
    )
    app.before_request(_say_outage)
    CSRFProtect(app)
    app.register_error_handler(CSRFError, lambda _error: errors.respond(_EXPIRED))
    security = Security(app, Users(services.sessions), register_blueprint=False)
    security.login_manager.request_loader(None)  # no token in a header or an address logs anybody in
    with app.app_context():
        app.extensions[DUMMY] = hash_password("nobody has this password")


_EXPIRED = Problem(
    400, "form-expired", "This form is no longer good.", "Load the page again, then send the form again."
)


def _say_outage() -> None:
    failed = getattr(session, "failed", None)
    if failed is not None:
        raise failed


__all__ = ["hash_password", "install", "login_user", "logout_user", "verify_and_update_password"]
