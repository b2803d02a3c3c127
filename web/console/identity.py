"""Flask-Security in the console: it hashes and checks passwords, and knows who is logged in.

Its views, mails and tokens are not used: the console's own pages do less and say it in their words (ADR 320).
"""

from typing import Any, cast

from flask import Flask, current_app
from flask_security import Security, Totp, UserDatastore
from flask_security.utils import hash_password, verify_and_update_password
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker
from structlog import get_logger

from accounts import second_factor
from accounts.models import User
from accounts.passwords import MOST, normal
from accounts.throttle import Throttle, TooOften
from accounts.tokens import derived
from accounts.users import AccountRefused
from web import errors
from web.problems import Problem
from web.services import Services, services

DUMMY, THROTTLE, CODES = "twirl-dummy-hash", "twirl-throttle", "twirl-codes"
log = get_logger("web")


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


class Codes(Totp):
    """Codes of an app, good in their own half minute (ASVS 6.5.5).

    The step of the last one is kept, so that none is good twice (ASVS 6.5.1).
    """

    def get_last_counter(self, user: Any) -> int | None:
        """The step of the last code that was good."""
        return cast(User, user).totp_counter

    def set_last_counter(self, user: Any, tmatch: Any) -> None:
        """Note it on the object; `use_step` writes it down."""
        user.totp_counter = tmatch.counter


def install(app: Flask, made: Services, key: str) -> None:
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
    CSRFProtect(app)
    security = Security(app, Users(made.sessions), register_blueprint=False)
    security.login_manager.request_loader(None)  # no token in a header or an address logs anybody in
    security.login_manager.session_protection = None  # it would tie a session to an address, which changes
    app.extensions[THROTTLE] = Throttle(made.sessions, derived(key, "twirl throttle"))
    app.extensions[CODES] = Codes({1: derived(key, "twirl second factor").hex()}, "Twirl")
    app.register_error_handler(CSRFError, lambda _error: errors.respond(_EXPIRED))
    app.register_error_handler(TooOften, lambda error: errors.respond(too_often(error)))
    app.register_error_handler(AccountRefused, lambda error: errors.respond(refused(error)))
    with app.app_context():
        app.extensions[DUMMY] = hash_password("nobody has this password")


_EXPIRED = Problem(
    400, "form-expired", "This form is no longer good.", "Load the page again, then send the form again."
)


def too_often(error: TooOften) -> Problem:
    """The answer to one try too many."""
    minutes = max(1, round(error.wait_s / 60))
    fix = f"Wait {minutes} minute{'s' if minutes > 1 else ''}, then try again."
    return Problem(429, "too-many-tries", "Too many tries.", fix, headers={"Retry-After": str(error.wait_s)})


def refused(error: AccountRefused) -> Problem:
    """The answer to what cannot be done with an account."""
    return Problem(404 if error.code.startswith("no-such-") else 409, error.code, error.message, error.fix)


def throttle() -> Throttle:
    """Counts tries."""
    return cast(Throttle, current_app.extensions[THROTTLE])


def codes() -> Codes:
    """Draws and checks the codes of apps."""
    return cast(Codes, current_app.extensions[CODES])


def knows_password(who: User | None, password: str) -> bool:
    """Whether this is the password of an account that may be used.

    With or without an account, one password is checked: it takes as long.
    """
    said = normal(password)
    usable = who is not None and who.active and bool(who.password) and len(said) <= MOST
    holder = User(password=who.password if who is not None and usable else current_app.extensions[DUMMY])
    before = holder.password
    good = verify_and_update_password(said[:MOST], cast(Any, holder))
    if good and usable and who is not None and holder.password != before:  # hashed with weaker parameters
        with services().sessions.begin() as db:
            db.execute(update(User).where(User.id == who.id).values(password=holder.password))
    return bool(good and usable)


def knows_code(who: User, said: str) -> str | None:
    """Which second factor this is, used up now: "code" of the app, "recovery-code", or None."""
    said = said.strip()
    if _is_code(who, said.replace(" ", "")):
        counter = cast(int, who.totp_counter)
        with services().sessions.begin() as db:
            return "code" if second_factor.use_step(db, who.id, counter) else None
    with services().sessions.begin() as db:
        return "recovery-code" if second_factor.use_recovery_code(db, who.id, said) else None


def _is_code(who: User, said: str) -> bool:
    if not (said.isascii() and said.isdigit() and len(said) == 6 and who.totp_secret):
        return False
    try:
        return codes().verify_totp(said, who.totp_secret, cast(Any, who))
    except ValueError:  # encrypted with a key that is not ours any more: a recovery code helps
        log.error("second-factor-unreadable", user=who.id)
        return False
