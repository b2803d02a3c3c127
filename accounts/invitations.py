"""One-time links: the first account of an installation, a member to be, a password to be set."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from accounts.members import join
from accounts.models import ROLES, Invitation, User
from accounts.tokens import digest, draw
from accounts.users import AccountRefused, address_of, any_account, create_user, set_password
from catalog.clock import instant

GOOD_FOR = {"setup": timedelta(days=1), "invite": timedelta(days=7), "reset": timedelta(hours=24)}
MOST_OPEN = 100  # invitations of a shop that wait
NO_LINK = AccountRefused(
    "link-used", "This link is no longer good.", "It works once, and for a while. Ask for a new one."
)


@dataclass(frozen=True)
class Accepted:
    """Who came in by a link, and to which shop."""

    user: User
    merchant_id: int | None
    role: str


def setup(session: Session, merchant_id: int) -> str | None:
    """A link for the first account, owner of that shop; None when there are accounts. Older ones end."""
    if any_account(session):
        return None
    session.execute(update(Invitation).where(Invitation.kind == "setup").values(expires_at=instant(session)))
    return _draw(session, "setup", role="owner", merchant_id=merchant_id)


def invite(session: Session, merchant_id: int, email: str, role: str, invited_by: str = "") -> str:
    """A link for somebody who is to join a shop. Raises AccountRefused."""
    if role not in ROLES:
        raise AccountRefused("bad-role", f"{role!r:.40} is no role.", f"Name one of: {', '.join(ROLES)}.")
    if len(waiting(session, merchant_id)) >= MOST_OPEN:
        raise AccountRefused(
            "too-many-invitations", f"{MOST_OPEN} invitations wait.", "Take back some of them first."
        )
    said = address_of(email)
    return _draw(session, "invite", email=said, role=role, merchant_id=merchant_id, invited_by=invited_by)


def reset(session: Session, user: User, invited_by: str = "") -> str:
    """A link by which that user sets a new password; older ones end."""
    mine = Invitation.kind == "reset", Invitation.user_id == user.id
    session.execute(update(Invitation).where(*mine).values(expires_at=instant(session)))
    return _draw(session, "reset", email=user.email, user_id=user.id, invited_by=invited_by)


def _draw(session: Session, kind: str, **said: str | int | None) -> str:
    token, at = draw(), instant(session)
    session.add(
        Invitation(kind=kind, digest=digest(token), created_at=at, expires_at=at + GOOD_FOR[kind], **said)
    )
    session.flush()
    return token


def find(session: Session, token: str) -> Invitation:
    """The invitation of a link that can still be used. Raises AccountRefused."""
    found = session.scalars(
        select(Invitation).where(
            Invitation.digest == digest(token),
            Invitation.used_at.is_(None),
            Invitation.expires_at > instant(session),
        )
    ).one_or_none()
    if found is None or (found.kind == "setup" and any_account(session)):
        raise NO_LINK
    return found


def accept(session: Session, token: str, user: User) -> Accepted:
    """Join by an invitation as somebody who has an account. Raises AccountRefused."""
    found = _take(session, token, ("invite",))
    if found.email and found.email != user.email:
        raise AccountRefused(
            "other-account", f"This invitation is for {found.email}.", "Log out, and open the link again."
        )
    return _joined(session, user, found)


def accept_anew(session: Session, token: str, email: str, name: str, password_hash: str) -> Accepted:
    """Join by an invitation with a new account, or make the first one. Raises AccountRefused."""
    found = _take(session, token, ("invite", "setup"))
    user = create_user(session, found.email or email, password_hash, name)
    return _joined(session, user, found)


def accept_reset(session: Session, token: str, password_hash: str) -> User:
    """Set the password of the link's account. Raises AccountRefused."""
    found = _take(session, token, ("reset",))
    user = session.get(User, found.user_id or 0)
    if user is None or not user.active:
        raise NO_LINK
    set_password(session, user, password_hash)
    return user


def _take(session: Session, token: str, kinds: tuple[str, ...]) -> Invitation:
    """The invitation, used up by this transaction: of two that come at once, one finds it used."""
    found = find(session, token)
    if found.kind not in kinds:
        raise NO_LINK
    at = func.coalesce(Invitation.used_at, instant(session))
    used = session.execute(
        update(Invitation).where(Invitation.id == found.id, Invitation.used_at.is_(None)).values(used_at=at)
    )
    if not used.rowcount:  # type: ignore[attr-defined]
        raise NO_LINK
    return found


def _joined(session: Session, user: User, found: Invitation) -> Accepted:
    if found.merchant_id is not None:
        join(session, user.id, found.merchant_id, found.role)
    return Accepted(user, found.merchant_id, found.role)


def waiting(session: Session, merchant_id: int) -> list[Invitation]:
    """The invitations to a shop that nobody has used yet, the latest first."""
    mine = select(Invitation).where(
        Invitation.merchant_id == merchant_id,
        Invitation.kind == "invite",
        Invitation.used_at.is_(None),
        Invitation.expires_at > instant(session),
    )
    return list(session.scalars(mine.order_by(Invitation.id.desc())))


def take_back(session: Session, merchant_id: int, invitation_id: int) -> Invitation:
    """End an invitation to a shop. Raises AccountRefused."""
    found = next((each for each in waiting(session, merchant_id) if each.id == invitation_id), None)
    if found is None:
        raise AccountRefused("no-such-invitation", "There is no such invitation.", "Load the page again.")
    found.expires_at = instant(session)
    return found
