import pytest

from web import money


@pytest.mark.parametrize(
    ("minor", "currency", "shown", "amount"),
    [
        (4900, "USD", "$49", "49.00"),
        (4950, "USD", "$49.50", "49.50"),
        (123456, "EUR", "€1,234.56", "1234.56"),
        (1200, "JPY", "¥1,200", "1200"),
        (1500, "KWD", "KWD\u00a01.500", "1.500"),
        (0, "USD", "$0", "0.00"),
        (999, "CHF", "CHF\u00a09.99", "9.99"),
    ],
)
def test_prices_read_as_shops_write_them(minor: int, currency: str, shown: str, amount: str) -> None:
    assert money.shown(minor, currency) == shown
    assert money.amount(minor, currency) == amount


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [
        ("49", "USD", 4900),
        ("49.5", "USD", 4950),
        ("49,50", "EUR", 4950),
        (" 7 ", "JPY", 7),
        ("0", "USD", 0),
        ("1,200", "USD", 120_000),
        ("1.200", "EUR", 120_000),
        ("1,234.50", "USD", 123_450),
        ("1.234,5", "EUR", 123_450),
        ("1.250", "KWD", 1_250),
        ("1,234.250", "KWD", 1_234_250),
    ],
)
def test_typed_prices_become_minor_units(typed: str, currency: str, minor: int) -> None:
    assert money.minor(typed, currency) == minor


@pytest.mark.parametrize("typed", ["cheap", "-3", "NaN", "Infinity", "1e400", "4 9", "9" * 40, ""])
def test_what_is_no_price_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        money.minor(typed, "USD")
