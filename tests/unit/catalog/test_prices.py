import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.feeds.prices import CURRENCIES, MAX_MINOR, PriceInvalid, minor_digits, parse_price


@pytest.mark.parametrize(
    ("written", "minor", "currency"),
    [
        ("15.00 USD", 1500, "USD"), ("USD 15.00", 1500, "USD"), ("15", 1500, "USD"),
        ("15.00USD", 1500, "USD"),
        ("$15", 1500, "USD"), ("$15.5", 1550, "USD"), ("15.00 usd", 1500, "USD"), ("$15.00 USD", 1500, "USD"),
        ("1.299,00 EUR", 129900, "EUR"), ("1,299.00 EUR", 129900, "EUR"), ("1,299 USD", 129900, "USD"),
        ("1 299,00 €", 129900, "EUR"), ("1\u202f299,00\u00a0€", 129900, "EUR"),
        ("€1.299.000", 129900000, "EUR"),
        ("Rs. 15", 1500, "INR"), ("15 kr.", 1500, "SEK"),
        ("1'299.00 CHF", 129900, "CHF"), ("Fr. 12.50", 1250, "CHF"), ("12,99,000.00 INR", 129900000, "INR"),
        ("12,- EUR", 1200, "EUR"), ("0,99 €", 99, "EUR"), (".99", 99, "USD"), ("£7", 700, "GBP"),
        ("¥1500", 1500, "JPY"), ("1500 JPY", 1500, "JPY"), ("1500.00 JPY", 1500, "JPY"),
        ("1.250 KWD", 1250, "KWD"),
        ("12,50 zł", 1250, "PLN"), ("199 kr", 19900, "SEK"), ("C$5", 500, "CAD"), ("0", 0, "USD"),
        ("١٥", 1500, "USD"),
        (15, 1500, "USD"), (15.5, 1550, "USD"), (0.1, 10, "USD"),
        ({"value": "15.00", "currency": "EUR"}, 1500, "EUR"), ({"value": 15}, 1500, "USD"),
    ],
)  # fmt: skip
def test_prices_as_merchants_write_them(written: object, minor: int, currency: str) -> None:
    assert parse_price(written, "USD") == (minor, currency)


def test_a_sign_that_many_use_means_the_merchants_own() -> None:
    assert parse_price("$15", "CAD") == (1500, "CAD")
    assert parse_price("199 kr", "NOK") == (19900, "NOK")
    assert parse_price("15", "EUR") == (1500, "EUR")
    assert parse_price("£15", "EUR") == (1500, "GBP")


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("free", "price-invalid"), ("", "price-invalid"), ("-5.00 USD", "price-invalid"),
        ("15.00.00", "price-invalid"),
        ("15.00 XXQ", "currency-unknown"), ("15 apples", "currency-unknown"),
        ("1.299 EUR", "price-ambiguous"),
        ("15.005 USD", "price-ambiguous"), ("0.999 USD", "price-precision"), ("15.5 JPY", "price-precision"),
        ("15.0050", "price-precision"), (1.299, "price-precision"), ("9" * 30, "price-out-of-range"),
        (-1, "price-out-of-range"), (float("inf"), "price-invalid"), (float("nan"), "price-invalid"),
        (True, "price-invalid"), ([15], "price-invalid"), ("1,29,9.00", "price-invalid"),
        ("15 - 20 USD", "price-invalid"), ("1e5", "price-invalid"), ("1,2,3", "price-invalid"),
        ({"value": {"value": {}}}, "price-invalid"),
    ],
)  # fmt: skip
def test_what_is_no_price_says_why(written: object, code: str) -> None:
    with pytest.raises(PriceInvalid) as refused:
        parse_price(written, "USD")
    assert refused.value.code == code and str(refused.value)


@given(minor=st.integers(0, MAX_MINOR), currency=st.sampled_from(sorted(CURRENCIES)), style=st.integers(0, 5))
def test_every_amount_survives_every_way_to_write_it(minor: int, currency: str, style: int) -> None:
    digits = minor_digits(currency)
    english = f"{minor // 10**digits:,}" + (f".{minor % 10**digits:0{digits}d}" if digits else "")
    german = english.translate(str.maketrans(",.", ".,"))
    if digits == 0:
        english, german = f"{minor}.00", f"{minor},00"
    written = (
        f"{english} {currency}", f"{german} {currency}", f"{currency}{english.replace(',', '')}",
        f"{german.replace('.', ' ')} {currency.lower()}", f"{english.replace(',', chr(39))} {currency}",
        f"{currency} {german.replace('.', '')}",
    )[style]  # fmt: skip
    assert parse_price(written, "USD") == (minor, currency)


@given(
    st.text(max_size=40)
    | st.floats()
    | st.integers()
    | st.dictionaries(st.just("value"), st.text(max_size=9))
)
def test_nothing_but_a_refusal_comes_of_anything_else(written: object) -> None:
    try:
        minor, currency = parse_price(written, "USD")
        assert 0 <= minor <= MAX_MINOR and currency in CURRENCIES
    except PriceInvalid:
        pass
