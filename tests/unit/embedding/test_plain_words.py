"""What words ask for, however it is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedding.plain_words import plain


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("I'd rather have it in red, please", "red"),
        ("do you have this with long sleeves?", "with long sleeves"),
        ("a V-neck one", "v-neck"),
        ("dark blue instead of light blue", "dark blue"),
        ("not blue, red", "red"),
        ("no longer blue but red", "red"),
        ("replace the blue with red", "red"),
        ("change the colour to navy", "navy"),
        ("less blue, more red", "red"),
        ("I don’t want blue, but red", "red"),
        ("everything is perfect except the colour, I need it in red", "red"),
    ],
)
def test_how_it_is_asked_is_left_out(said: str, asked: str) -> None:
    assert plain(said) == asked


@pytest.mark.parametrize(
    "said",
    [
        "without the hood", "no hood please", "the same minus the hood", "I don't want a hood", "w/o hood",
        "anything but a hood", "I'd rather not have the hood", "get rid of the hood", "I hate the hood",
    ],
)  # fmt: skip
def test_what_is_to_be_gone_has_one_form(said: str) -> None:
    assert plain(said) == "without hood"


def test_what_is_to_be_gone_stays_beside_what_is_asked_for() -> None:
    assert plain("the same without a hood, in red") == "red without hood"
    assert plain("a red dress with sleeves and no collar") == "red dress with sleeves without collar"


def test_what_alone_is_denied_is_kept() -> None:
    assert plain("not too long") == "not long"


@pytest.mark.parametrize(
    "said", ["red floral midi dress", "less formal", "black white striped", "3/4 sleeves"]
)
def test_words_that_say_how_a_garment_looks_are_kept(said: str) -> None:
    assert plain(said) == said


def test_one_counts_where_it_says_something() -> None:
    assert plain("a one piece swimsuit") == "one-piece swimsuit"


@pytest.mark.parametrize("said", ["", "?", "the same one, please", "Kleid für den Sommer"])
def test_nothing_is_made_of_nothing_and_other_tongues_are_kept(said: str) -> None:
    assert plain(said) in (said, said.casefold())


@given(st.text(max_size=200))
def test_no_text_is_too_odd(text: str) -> None:
    found = plain(text)
    assert found == text or found.strip()


@given(
    st.lists(st.sampled_from(["not", "no", "red", "hood", ",", "instead", "of", "replace", "with", "than"]))
)
def test_any_order_of_denials_ends(words: list[str]) -> None:
    assert plain(" ".join(words)) or not words
