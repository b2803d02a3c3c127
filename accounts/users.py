"""Accounts: finding one and making one. What a person may do in a shop is `accounts.members`' matter."""

import re

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from accounts.models import User
from accounts.sessions import end_all
from accounts.tokens import draw
from catalog.clock import instant

MAX_EMAIL = 254
_EMAIL = re.compile(r"[^\s@<>\"',;:\\()\[\]]+@[^\s@<>\"',;:\\()\[\]]+\.[^\s@.]+|[^\s@]+@localhost")


class AccountRefused(Exception):
    """What cannot be done with an account: a stable `code`, what is wrong, and what mends it."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(f"{message} {fix}")
        self.code, self.message, self.fix = code, message, fix


def address_of(email: str) -> str:
    """An e-mail address as it is kept: without blanks, in lower case. Raises AccountRefused."""
    said = email.strip().lower()
    if len(said) > MAX_EMAIL or not _EMAIL.fullmatch(said):
        raise AccountRefused(
            "bad-email", f"{said[:80]!r} is no e-mail address.", "Write it like name@shop.example."
        )
    return said


def find_user(session: Session, email: str) -> User | None:
    """The account of that address, or None."""
    return session.scalars(select(User).where(User.email == email.strip().lower())).one_or_none()


def create_user(session: Session, email: str, password_hash: str = "", name: str = "") -> User:
    """A new account. Raises AccountRefused for an address that has one."""
    said = address_of(email)
    if find_user(session, said) is not None:
        raise AccountRefused("email-taken", f"{said} has an account.", "Log in, or name another address.")
    user = User(email=said, name=" ".join(name.split())[:100], fs_uniquifier=draw())
    if password_hash:
        set_password(session, user, password_hash)
    session.add(user)
    session.flush()
    return user


def set_password(session: Session, user: User, password_hash: str) -> None:
    """Give an account another password; every session of it is over."""
    user.password, user.password_at = password_hash, instant(session)
    user.fs_uniquifier = draw()
    if user.id is not None:
        end_all(session, user.id)


def any_account(session: Session) -> bool:
    """Whether anybody has an account."""
    return bool(session.scalar(select(func.count()).select_from(select(User.id).limit(1).subquery())))
