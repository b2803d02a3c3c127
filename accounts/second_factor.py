"""The second factor: codes of an app (RFC 6238), each good once, and recovery codes for when the app is gone.

A recovery code has 120 random bits, so that its SHA-256 may be kept: nobody tries them out (ASVS 6.5.2).
"""

import secrets

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from accounts.models import RecoveryCode, User
from accounts.tokens import digest

CODES = 10
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is read as another
_GROUPS, _LENGTH = 5, 5  # 25 signs of 31 are 123 bits


def turn_on(session: Session, user_id: int, secret: str, counter: int) -> list[str]:
    """Ask this user for codes of that secret from now on; returns the recovery codes, to be shown once."""
    kept = {"totp_secret": secret, "totp_counter": counter}
    session.execute(update(User).where(User.id == user_id).values(kept))
    return new_recovery_codes(session, user_id)


def turn_off(session: Session, user_id: int) -> None:
    """Ask this user for the password alone."""
    kept = {"totp_secret": "", "totp_counter": None}
    session.execute(update(User).where(User.id == user_id).values(kept))
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))


def use_step(session: Session, user_id: int, counter: int) -> bool:
    """Use up the code of a time step; False where that one, or a later one, was used already."""
    unused = or_(User.totp_counter.is_(None), User.totp_counter < counter)
    done = session.execute(update(User).where(User.id == user_id, unused).values(totp_counter=counter))
    return bool(done.rowcount)  # type: ignore[attr-defined]


def new_recovery_codes(session: Session, user_id: int) -> list[str]:
    """Other recovery codes in place of those there were."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    codes = [_code() for _ in range(CODES)]
    session.add_all(RecoveryCode(user_id=user_id, digest=digest(_plain(code))) for code in codes)
    session.flush()
    return codes


def use_recovery_code(session: Session, user_id: int, said: str) -> bool:
    """Use up a recovery code; False where it is none of this user's."""
    mine = RecoveryCode.user_id == user_id, RecoveryCode.digest == digest(_plain(said))
    return bool(session.execute(delete(RecoveryCode).where(*mine)).rowcount)  # type: ignore[attr-defined]


def recovery_codes_left(session: Session, user_id: int) -> int:
    """How many are not used yet."""
    mine = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.user_id == user_id)
    return int(session.scalar(mine) or 0)


def _code() -> str:
    return "-".join("".join(secrets.choice(_SIGNS) for _ in range(_LENGTH)) for _ in range(_GROUPS))


def _plain(code: str) -> str:
    return "".join(sign for sign in code.lower() if sign.isalnum())[:64]
