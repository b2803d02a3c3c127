"""Secret keys: what opens, what does not, and that the ledger could not tell anybody."""

import hashlib
from datetime import timedelta

import pytest
from sqlalchemy import select

from catalog.database import Sessions
from catalog.models import now
from catalog.products import ensure_merchant
from catalog.programs.api_keys import (
    PREFIX,
    find_key,
    issue_key,
    note_secret_use,
    revoke_secret_key,
    rotate_secret_key,
    secret_keys,
    was_noted,
)
from catalog.programs.search_keys import KeyRefused
from catalog.programs.tables import ApiKey

READ, WRITE = "catalogue:read", "catalogue:write"


def test_only_the_hash_of_256_bits_is_kept(ledger: Sessions, shop: int) -> None:
    with ledger.begin() as session:
        made = issue_key(session, shop, [READ, WRITE, READ], "  the   ERP ")
    begin, _, secret = made.secret.removeprefix(PREFIX).partition("_")
    assert len(begin) == 8 and len(secret) == 43  # 32 bytes in base64
    with ledger() as session:
        row = session.scalars(select(ApiKey)).one()
        assert row.digest == hashlib.sha256(made.secret.encode()).hexdigest()
        assert secret not in repr(vars(row)) and made.secret.startswith(row.prefix)
        found = find_key(session, made.secret)
        assert found == made.key and found.merchant_id == shop
        assert (found.scopes, found.name, found.used_at) == ((READ, WRITE), "the ERP", None)


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key[:-1] + ("A" if key[-1] != "A" else "B"),
        lambda key: key[:-1],
        lambda key: key + "A",
        lambda key: key[: len(PREFIX) + 8],
        lambda key: key.replace("_secret_", "_search_"),
        lambda key: key.upper(),
        lambda key: f"{key}\n",
        lambda key: "",
        lambda key: "é\udc80",
        lambda key: PREFIX + "00000000_" + key[-43:],
    ],
)
def test_what_is_no_key_opens_nothing(ledger: Sessions, shop: int, change: object) -> None:
    with ledger.begin() as session:
        made = issue_key(session, shop, [READ])
        assert find_key(session, change(made.secret)) is None  # type: ignore[operator]
        assert find_key(session, made.secret)


@pytest.mark.parametrize("scopes", [[], ["everything"], [READ, "Search"]])
def test_a_scope_is_one_of_those_there_are(ledger: Sessions, shop: int, scopes: list[str]) -> None:
    with ledger.begin() as session, pytest.raises(KeyRefused) as refused:
        issue_key(session, shop, scopes)
    assert refused.value.code == "bad-scope" and "catalogue:read" in refused.value.fix


def test_a_revoked_key_is_gone_for_good_and_only_from_its_own_shop(ledger: Sessions, shop: int) -> None:
    with ledger.begin() as session:
        other = ensure_merchant(session, "other").id
        made = issue_key(session, shop, [READ])
        for named in (made.secret, made.key.prefix, PREFIX, ""):
            with pytest.raises(KeyRefused):
                revoke_secret_key(session, other, named)
        assert revoke_secret_key(session, shop, made.key.prefix[:16]).id == made.key.id
        assert find_key(session, made.secret) is None
        assert not secret_keys(session, shop) and secret_keys(session, shop, gone=True)[0].revoked_at
        with pytest.raises(KeyRefused):
            rotate_secret_key(session, shop, made.secret)


def test_a_rotated_key_goes_on_for_the_overlap_and_no_longer(ledger: Sessions, shop: int) -> None:
    with ledger.begin() as session:
        first = issue_key(session, shop, [WRITE], "ERP")
        second, old = rotate_secret_key(session, shop, first.secret, timedelta(hours=2))
        assert (second.key.scopes, second.key.name, second.key.expires_at) == ((WRITE,), "ERP", None)
        assert old.expires_at and timedelta(hours=1.9) < old.expires_at - now() < timedelta(hours=2.1)
        assert find_key(session, first.secret) and find_key(session, second.secret)
        session.get_one(ApiKey, old.id).expires_at = now() - timedelta(seconds=1)
        session.flush()
        assert find_key(session, first.secret) is None and find_key(session, second.secret)
        assert [each.id for each in secret_keys(session, shop)] == [second.key.id]


def test_a_rotation_never_lengthens_a_life(ledger: Sessions, shop: int) -> None:
    with ledger.begin() as session:
        short = issue_key(session, shop, [READ], lifetime=timedelta(minutes=5))
        _, old = rotate_secret_key(session, shop, short.secret, timedelta(days=1))
        assert old.expires_at == short.key.expires_at
        at_once, gone = rotate_secret_key(
            session, shop, secret_keys(session, shop)[0].prefix, timedelta(days=-3)
        )
        assert gone.expires_at and gone.expires_at <= now() and find_key(session, at_once.secret)


def test_use_is_noted_once_a_minute(ledger: Sessions, shop: int) -> None:
    with ledger.begin() as session:
        made = issue_key(session, shop, [READ])
        assert not was_noted(made.key, now())
        note_secret_use(session, made.key)
        used = secret_keys(session, shop)[0]
        assert was_noted(used, now()) and not was_noted(used, now() + timedelta(minutes=2))
        note_secret_use(session, made.key)
        assert secret_keys(session, shop)[0].used_at == used.used_at
