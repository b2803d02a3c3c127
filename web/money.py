"""Money as a shopper reads it, from integer minor units (ISO 4217)."""

from decimal import Decimal, InvalidOperation

_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CNY": "CN¥", "INR": "₹", "KRW": "₩", "AUD": "A$",
          "CAD": "CA$", "NZD": "NZ$", "BRL": "R$", "MXN": "MX$", "ILS": "₪", "VND": "₫",
          "TRY": "₺"}  # fmt: skip
_NO_MINOR = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
_THREE = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
_MOST = Decimal(10**12)


def digits(currency: str) -> int:
    """How many decimal digits the minor unit has."""
    return 0 if currency in _NO_MINOR else 3 if currency in _THREE else 2


def amount(minor: int, currency: str) -> str:
    """The plain number, as machines read it: 4900 USD -> "49.00"."""
    places = digits(currency)
    return f"{Decimal(minor).scaleb(-places):.{places}f}"


def shown(minor: int, currency: str) -> str:
    """The price as a shop writes it: 4900 USD -> "$49", 4950 USD -> "$49.50"."""
    places = digits(currency)
    value = Decimal(minor).scaleb(-places)
    whole = value == value.to_integral_value()
    number = f"{value:,.0f}" if whole else f"{value:,.{places}f}"
    sign = _SIGNS.get(currency)
    return f"{sign}{number}" if sign else f"{number} {currency}"


def minor(typed: str, currency: str) -> int:
    """Minor units of a number that a shopper typed, such as "49", "49.5" or "49,50".

    Raises ValueError for anything that is not a price.
    """
    try:
        value = Decimal(typed.strip().replace(",", "."))
    except InvalidOperation as error:
        raise ValueError(f"{typed!r} is not a number") from error
    if not value.is_finite() or not 0 <= value <= _MOST:
        raise ValueError(f"{typed!r} is not a price")
    return int(value.scaleb(digits(currency)).to_integral_value())
