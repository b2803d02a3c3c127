import hashlib
from pathlib import Path

import pytest

from accounts.passwords import LEAST, MOST, PasswordRefused, check, is_breached


@pytest.mark.parametrize(
    "password",
    [
        "short", "x" * (LEAST - 1), "password1234", "qwertyuiop12", "aaaaaaaaaaaaaaaa", "letmeinletmein",
        "iloveyou1234", "maison-twirl-2026", "owner@shop.example", "x" * (MOST + 1),
    ],
)  # fmt: skip
def test_what_is_guessed_soon_is_refused_and_says_why(password: str) -> None:
    with pytest.raises(PasswordRefused) as refused:
        check(password, ("owner@shop.example", "Maison Twirl"))
    assert refused.value.message and refused.value.fix and password not in str(refused.value)


@pytest.mark.parametrize(
    "password", ["tulip granite seven harbour", "jv8$kq2!zr7w", "длинный пароль слов", "🐘🌂🧊 слово frasque"]
)  # fmt: skip
def test_any_composition_is_taken(password: str) -> None:
    assert check(password, ("owner@shop.example",)) == password


def test_however_the_keyboard_composes_its_letters_it_is_the_same_password() -> None:
    assert check("Grüße aus Zürich, 17 mal") == check("Gru\u0308ße aus Zu\u0308rich, 17 mal")


def test_stolen_passwords_are_found_in_the_sorted_file_and_only_those(tmp_path: Path) -> None:
    hashes = sorted(hashlib.sha1(f"stolen {n}".encode()).hexdigest().upper() for n in range(500))  # noqa: S324
    for ending, count in (("\n", ""), ("\r\n", ":37")):
        path = tmp_path / f"stolen{len(ending)}"
        path.write_bytes("".join(f"{each}{count}{ending}" for each in hashes).encode())
        assert all(is_breached(f"stolen {n}", path) for n in range(500))
        assert not any(is_breached(f"mine {n}", path) for n in range(500))
    (tmp_path / "empty").write_bytes(b"")
    assert not is_breached("stolen 1", tmp_path / "empty")
    path.write_bytes(hashlib.sha1(b"tulip granite seven harbour").hexdigest().encode())  # noqa: S324
    with pytest.raises(PasswordRefused, match="stolen"):
        check("tulip granite seven harbour", breached=path)
