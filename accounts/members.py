"""Who belongs to which shop, and as what. Every question names the shop."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from accounts.models import ROLES, Membership, User
from accounts.users import AccountRefused
from catalog.models import Merchant


@dataclass(frozen=True)
class Member:
    """A user in one shop."""

    user_id: int
    merchant_id: int
    email: str
    name: str
    role: str

    def may(self, role: str) -> bool:
        """Whether this member may do what needs at least that role."""
        return ROLES.index(self.role) >= ROLES.index(role)


def member_of(session: Session, user: User, slug: str) -> tuple[Merchant, Member] | None:
    """A user's shop of that slug with what the user is there; None for a shop that is not the user's."""
    mine = (
        select(Merchant, Membership.role)
        .join(Membership, Membership.merchant_id == Merchant.id)
        .where(Merchant.slug == slug, Membership.user_id == user.id)
    )
    found = session.execute(mine).one_or_none()
    if found is None:
        return None
    shop, role = found
    return shop, Member(user.id, shop.id, user.email, user.name, role)


def shops_of(session: Session, user_id: int) -> list[tuple[Merchant, str]]:
    """A user's shops with the role in each, by name."""
    mine = (
        select(Merchant, Membership.role)
        .join(Membership, Membership.merchant_id == Merchant.id)
        .where(Membership.user_id == user_id)
    )
    return [(shop, role) for shop, role in session.execute(mine.order_by(Merchant.name, Merchant.id))]


def join(session: Session, user_id: int, merchant_id: int, role: str) -> None:
    """Make a user a member of a shop, or give a member another role. Raises AccountRefused."""
    if role not in ROLES:
        raise AccountRefused("bad-role", f"{role!r:.40} is no role.", f"Name one of: {', '.join(ROLES)}.")
    held = session.get(Membership, (user_id, merchant_id))
    if held is None:
        session.add(Membership(user_id=user_id, merchant_id=merchant_id, role=role))
    elif held.role != role:
        _keep_an_owner(session, held)
        held.role = role
    session.flush()


def leave(session: Session, user_id: int, merchant_id: int) -> None:
    """Take a user out of a shop. Raises AccountRefused for its last owner, and for who is no member."""
    held = session.get(Membership, (user_id, merchant_id))
    if held is None:
        raise AccountRefused("no-such-member", "There is no such member.", "The members page lists them.")
    _keep_an_owner(session, held)
    session.delete(held)
    session.flush()


def members(session: Session, merchant_id: int) -> list[Member]:
    """Everybody in a shop, owners first, then by address."""
    rows = session.execute(
        select(User, Membership.role)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.merchant_id == merchant_id)
        .order_by(User.email)
    )
    found = [Member(user.id, merchant_id, user.email, user.name, role) for user, role in rows]
    return sorted(found, key=lambda member: -ROLES.index(member.role))


def _keep_an_owner(session: Session, held: Membership) -> None:
    """Refuse to take the role from the last owner. The shop's row is locked: two owners may go at once."""
    session.execute(select(Merchant.id).where(Merchant.id == held.merchant_id).with_for_update())
    session.refresh(held)
    owners = (
        select(func.count())
        .select_from(Membership)
        .join(User, User.id == Membership.user_id)
        .where(
            Membership.merchant_id == held.merchant_id,
            Membership.role == "owner",
            Membership.user_id != held.user_id,
            User.active,
        )
    )
    if held.role == "owner" and not session.scalar(owners):
        raise AccountRefused(
            "last-owner", "A shop keeps at least one owner.", "Make somebody else an owner first."
        )
