"""Accounts below the pages, on both databases: members, links, sessions, codes, and what is counted."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from accounts import audit, invitations, second_factor, sessions
from accounts.members import join, leave, member_of, members, shops_of
from accounts.models import (
    AuditEntry,
    Invitation,
    LoginAttempt,
    LoginSession,
    Membership,
    RecoveryCode,
    User,
)
from accounts.sessions import Lifetime
from accounts.shops import open_shop
from accounts.throttle import Limit, Throttle, TooOften
from accounts.tokens import key_in
from accounts.users import AccountRefused, address_of, create_user, set_password
from catalog import database
from catalog.keeping.backup_folder import Backup, Manifest
from catalog.keeping.table_dump import dump_tables, load_tables, snapshot
from catalog.models import now
from catalog.products import ensure_merchant
from tests.support.postgres import fresh, postgres

Made = sessionmaker[Session]
LIFE = Lifetime(600, 3600)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as uri:
        yield uri


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('accounts')}/ledger.sqlite3"
    else:
        url = fresh(request.getfixturevalue("server"), "accounts")
    engine = database.open_engine(url)
    database.upgrade(engine)
    yield database.sessions(engine)
    engine.dispose()


def person(made: Made, name: str, *roles: tuple[str, str]) -> User:
    with made.begin() as session:
        user = create_user(session, f"{name}@people.example", "a hash")
        for slug, role in roles:
            join(session, user.id, ensure_merchant(session, slug).id, role)
    return user


def test_a_member_is_one_of_that_shop_alone(made: Made) -> None:
    user = person(made, "anna", ("roses", "editor"), ("lilies", "viewer"))
    with made.begin() as session:
        ensure_merchant(session, "tulips")
        found = member_of(session, user, "roses")
        assert found is not None and found[1].role == "editor"
        assert found[1].may("viewer") and found[1].may("editor") and not found[1].may("owner")
        assert member_of(session, user, "tulips") is None and member_of(session, user, "nothing") is None
        assert [(shop.slug, role) for shop, role in shops_of(session, user.id)] == [
            ("lilies", "viewer"), ("roses", "editor"),
        ]  # fmt: skip


def test_the_last_owner_cannot_go(made: Made) -> None:
    first = person(made, "first", ("last", "owner"))
    with made.begin() as session:
        shop = ensure_merchant(session, "last").id
        for deed in (lambda: leave(session, first.id, shop), lambda: join(session, first.id, shop, "editor")):
            with pytest.raises(AccountRefused, match="at least one owner"):
                deed()
    second = person(made, "second", ("last", "owner"))
    with made.begin() as session:
        session.execute(update(User).where(User.id == second.id).values(active=False))
    with made.begin() as session, pytest.raises(AccountRefused):  # who is disabled decides nothing
        leave(session, first.id, shop)
    with made.begin() as session:
        session.execute(update(User).where(User.id == second.id).values(active=True))
        leave(session, first.id, shop)
        assert [each.email for each in members(session, shop)] == [second.email]


def test_two_owners_that_go_at_once_leave_one(made: Made) -> None:
    for turn in range(5):
        pair = [person(made, f"go{turn}{n}", (f"both{turn}", "owner")) for n in range(2)]
        with made() as session:
            shop = ensure_merchant(session, f"both{turn}").id

        def go(user: User, shop: int = shop) -> bool:
            try:
                with made.begin() as session:
                    leave(session, user.id, shop)
            except AccountRefused:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(go, pair)) == [False, True]


def test_a_link_works_once_and_for_a_while(made: Made) -> None:
    with made.begin() as session:
        shop = ensure_merchant(session, "links").id
        token = invitations.invite(session, shop, " New@People.example ", "editor", "anna@people.example")
        late = invitations.invite(session, shop, "late@people.example", "viewer")
        assert token not in str(session.scalars(select(Invitation.digest)).all())
        assert [each.email for each in invitations.waiting(session, shop)] == [
            "late@people.example", "new@people.example",
        ]  # fmt: skip
        session.execute(
            update(Invitation).where(Invitation.email == "late@people.example").values(expires_at=now())
        )
    with made.begin() as session:
        came = invitations.accept_anew(session, token, "other@people.example", "New", "a hash")
        assert (came.user.email, came.role) == ("new@people.example", "editor")
    for used in (token, late, "made up", ""):
        with made.begin() as session, pytest.raises(AccountRefused, match="no longer good"):
            invitations.accept_anew(session, used, "x@people.example", "", "a hash")


def test_of_two_who_use_a_link_at_once_one_comes_in(made: Made) -> None:
    with made.begin() as session:
        token = invitations.invite(
            session, ensure_merchant(session, "race").id, "race@people.example", "viewer"
        )

    def come(_: int) -> bool:
        try:
            with made.begin() as session:
                invitations.accept_anew(session, token, "", "", "a hash")
        except Exception:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(come, range(4))) == [False, False, False, True]


def test_an_invitation_is_for_that_address(made: Made) -> None:
    other = person(made, "other")
    with made.begin() as session:
        token = invitations.invite(
            session, ensure_merchant(session, "links").id, "me@people.example", "owner"
        )
    with made.begin() as session, pytest.raises(AccountRefused, match=r"for me@people\.example"):
        invitations.accept(session, token, other)


def test_the_first_account_is_made_once(tmp_path: Path) -> None:
    engine = database.open_engine(f"sqlite:///{tmp_path}/first.sqlite3")
    database.upgrade(engine)
    empty = database.sessions(engine)
    with empty.begin() as session:
        shop = ensure_merchant(session, "demo").id
        old, new = invitations.setup(session, shop), invitations.setup(session, shop)
    with empty.begin() as session, pytest.raises(AccountRefused):
        invitations.accept_anew(session, old or "", "a@people.example", "", "a hash")
    with empty.begin() as session:
        assert invitations.accept_anew(session, new or "", "a@people.example", "", "a hash").role == "owner"
        assert invitations.setup(session, shop) is None
    engine.dispose()


def test_a_session_ends_without_use_and_in_any_case(made: Made) -> None:
    user = person(made, "seen")
    with made.begin() as session:
        tokens = [sessions.begin(session, user.id, {"n": n}, "Firefox", LIFE) for n in range(3)]
        rows = sessions.of_user(session, user.id, LIFE)
        assert len(rows) == 3 and not set(tokens) & {row.digest for row in rows}
        by = {n: sessions.find(session, token, LIFE) for n, token in enumerate(tokens)}
        idle = {"seen_at": now() - timedelta(seconds=LIFE.idle_s + 1)}
        session.execute(update(LoginSession).where(LoginSession.id == by[0].id).values(idle))  # type: ignore[union-attr]
        old = {"expires_at": now() - timedelta(seconds=1)}
        session.execute(update(LoginSession).where(LoginSession.id == by[1].id).values(old))  # type: ignore[union-attr]
    with made.begin() as session:
        assert [sessions.find(session, token, LIFE) is not None for token in tokens] == [False, False, True]
        assert [row.data for row in sessions.of_user(session, user.id, LIFE)] == [{"n": 2}]
        assert not sessions.end(session, by[2].id, user.id + 1)  # type: ignore[union-attr] - another's is not mine to end
        assert sessions.find(session, tokens[2], LIFE) is not None
        held = session.get_one(User, user.id)
        before = held.fs_uniquifier
        set_password(session, held, "another hash")
        assert held.fs_uniquifier != before and sessions.find(session, tokens[2], LIFE) is None


def test_a_code_is_good_once_and_so_is_a_recovery_code(made: Made) -> None:
    user = person(made, "codes")
    with made.begin() as session:
        codes = second_factor.turn_on(session, user.id, "secret", 100)
        assert len(set(codes)) == second_factor.CODES and min(len(code) for code in codes) == 29
        kept = " ".join(session.scalars(select(RecoveryCode.digest)))
        assert not any(code in kept or code.replace("-", "") in kept for code in codes)
    with made.begin() as session:
        assert [second_factor.use_step(session, user.id, step) for step in (100, 99, 101, 101)] == [
            False, False, True, False,
        ]  # fmt: skip
        assert second_factor.use_recovery_code(session, user.id, f" {codes[0].upper().replace('-', ' ')} ")
        assert not second_factor.use_recovery_code(session, user.id, codes[0])
        assert not second_factor.use_recovery_code(session, user.id + 1, codes[1])
        assert second_factor.recovery_codes_left(session, user.id) == second_factor.CODES - 1
        second_factor.turn_off(session, user.id)
        assert not second_factor.use_recovery_code(session, user.id, codes[1])


def test_many_tries_at_once_are_counted_one_by_one(made: Made) -> None:
    throttle, limit = Throttle(made, b"key"), Limit("tries", 10, 900)

    def attempt(_: int) -> bool:
        try:
            throttle.count((limit, "anna"))
        except TooOften as error:
            assert 0 < error.wait_s <= 900
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(40))) == 10
    assert attempt(0) is False and throttle.count((limit, "berta")) is None  # type: ignore[func-returns-value]
    with made.begin() as session:
        assert "anna" not in str(session.scalars(select(LoginAttempt.key)).all())
        session.execute(update(LoginAttempt).values(since=now() - timedelta(seconds=901)))
    assert attempt(0)
    throttle.forget((limit, "anna"))
    assert sum(attempt(n) for n in range(12)) == 10


def test_history_is_of_one_shop_and_comes_in_pages(made: Made) -> None:
    user = person(made, "deeds")
    with made.begin() as session:
        mine, other = (ensure_merchant(session, slug).id for slug in ("deeds", "other-deeds"))
        for n in range(audit.PAGE + 5):
            audit.write(session, mine, user.id, user.email, "item.hidden", f"sku {n}", {"n": n})
        audit.write(session, other, user.id, user.email, "item.hidden", "theirs")
    with made() as session:
        first = audit.page(session, mine)
        rest = audit.page(session, mine, first[audit.PAGE - 1].id)
        assert [each.details["n"] for each in [*first[: audit.PAGE], *rest]] == [
            *range(audit.PAGE + 4, -1, -1)
        ]
        assert len(list(audit.every(session, mine))) == audit.PAGE + 5
        assert [each.subject for each in audit.every(session, other)] == ["theirs"]


def test_a_backup_holds_accounts_and_history_and_no_logins(made: Made, tmp_path: Path) -> None:
    user = person(made, "kept", ("kept", "owner"))
    with made.begin() as session:
        sessions.begin(session, user.id, {}, "Firefox", LIFE)
        invitations.reset(session, user)
        second_factor.turn_on(session, user.id, "secret", 1)
        audit.write(session, None, user.id, user.email, "login")
    with snapshot(made.kw["bind"]) as connection:
        parts = dump_tables(connection, tmp_path)
    assert not {"login_session", "login_attempt", "invitation"} & set(parts)
    engine = database.open_engine(f"sqlite:///{tmp_path}/restored.sqlite3")
    database.upgrade(engine)
    load_tables(engine, Backup(tmp_path, Manifest("", "", "", "", parts, {})))
    for table in (User, Membership, RecoveryCode, AuditEntry):
        with made() as before, database.sessions(engine)() as after:
            rows = select(*table.__table__.columns).order_by(*table.__table__.primary_key.columns)
            assert before.execute(rows).all() == after.execute(rows).all() != []
    engine.dispose()


def test_a_new_shop_takes_no_shops_place_and_no_address_of_the_consoles(made: Made) -> None:
    user = person(made, "opens")
    with made.begin() as session:
        slugs = [
            open_shop(session, user.id, name).slug for name in ("Café Möller", "cafe moller", "Login", "!?")
        ]
    assert slugs[0] == "cafe-moller" and slugs[1].startswith("cafe-moller-") and slugs[2].startswith("login-")
    assert slugs[3] == "shop"


@pytest.mark.parametrize(
    "said", ["", "anna", "a@b", "a b@c.example", "a@b@c.example", "<a@b.example>", "a" * 250 + "@b.example"]
)
def test_what_is_no_address_is_refused(said: str) -> None:
    with pytest.raises(AccountRefused):
        address_of(said)


def test_the_key_is_drawn_once_whoever_asks(tmp_path: Path) -> None:
    path = tmp_path / "data" / "console_key"
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: key_in(path), range(16)))
    assert len(keys) == 1 and len(keys.pop()) >= 43
    assert path.stat().st_mode & 0o777 == 0o600 and [*path.parent.iterdir()] == [path]
