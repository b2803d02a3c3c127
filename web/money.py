"""Money as a shopper reads it, from integer minor units (ISO 4217)."""

import re
from decimal import Decimal, InvalidOperation

from babel.numbers import format_currency, get_currency_symbol

from catalog.feeds.prices import minor_digits
from web.language import locale

_MOST = Decimal(10**12)
_DECIMALS = re.compile(r"\.0+")  # of a pattern such as "¤#,##0.00"
_SEPARATORS = re.compile(r"[.,'’ \u00a0\u202f]")
_GROUPED = re.compile(r"\d{1,3}(?:[.,'’ \u00a0\u202f]\d{3})+([.,]\d{1,2})?")  # "1,200.50", "1.200"


def digits(currency: str) -> int:
    """How many decimal digits the minor unit has."""
    return minor_digits(currency)


def amount(minor: int, currency: str) -> str:
    """The plain number, as machines read it: 4900 USD -> "49.00"."""
    places = digits(currency)
    return f"{Decimal(minor).scaleb(-places):.{places}f}"


def shown(minor: int, currency: str) -> str:
    """The price as the shopper's language writes it: 4900 USD -> "$49", 4950 EUR -> "49,50 €" in German."""
    places = digits(currency)
    value = Decimal(minor).scaleb(-places)
    decimals = "" if value == value.to_integral_value() else "." + places * "0"
    here = locale()
    pattern = _DECIMALS.sub(decimals, here.currency_formats["standard"].pattern)
    if sign(currency)[-1:].isalpha():  # letters want a space between them and the figures
        pattern = pattern.replace("¤#", "¤\u00a0#")
    return str(format_currency(value, currency, pattern, locale=here, currency_digits=False))


def sign(currency: str) -> str:
    """What stands for the currency: "$"."""
    return str(get_currency_symbol(currency, locale()))


def minor(typed: str, currency: str) -> int:
    """Minor units of a number that a shopper typed, such as "49", "49.5", "49,50" or "1.200".

    The last sign counts as the decimal one, unless exactly three digits stand behind it and the currency has
    none so small. Raises ValueError for anything that is not a price.
    """
    places = digits(currency)
    plain = _plain(typed.strip(), places)
    try:
        value = Decimal(plain)
    except InvalidOperation as error:
        raise ValueError(f"{typed!r} is not a number") from error
    if not value.is_finite() or not 0 <= value <= _MOST:
        raise ValueError(f"{typed!r} is not a price")
    return int(value.scaleb(places).to_integral_value())


def _plain(typed: str, places: int) -> str:
    grouped = _GROUPED.fullmatch(typed)
    signs = _SEPARATORS.findall(typed)
    if not grouped or (places == 3 and len(signs) == 1):
        return typed.replace(",", ".")
    whole, rest = typed, ""
    if grouped.group(1) or len(set(signs)) > 1:
        whole, _, rest = typed.rpartition(signs[-1])
    return f"{_SEPARATORS.sub('', whole)}.{rest or 0}"
