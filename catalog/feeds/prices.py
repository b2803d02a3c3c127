"""Prices as merchants write them -> integers in the currency's minor unit."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any

MAX_MINOR = 10**12

_NO_MINOR = ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV")
_NO_MINOR_FRANCS = ("XAF", "XOF", "XPF")
_THREE_DIGITS = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
_CODES = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL
HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD
MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG
QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD
TWD TZS UAH UGX USD UYI UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
CURRENCIES = frozenset(_CODES.split())  # ISO 4217, in use
# A sign means the first of its currencies, unless the merchant's own is another of them.
_SIGNS = {
    "$": "USD CAD AUD NZD SGD HKD MXN TWD ARS CLP COP",
    "US$": "USD", "C$": "CAD", "CA$": "CAD", "A$": "AUD", "AU$": "AUD", "NZ$": "NZD", "HK$": "HKD",
    "€": "EUR", "£": "GBP EGP", "¥": "JPY CNY", "₹": "INR", "Rs": "INR", "₩": "KRW", "₺": "TRY", "₽": "RUB",
    "R$": "BRL", "₴": "UAH", "₫": "VND", "₪": "ILS", "฿": "THB", "₱": "PHP", "zł": "PLN", "Kč": "CZK",
    "kr": "SEK NOK DKK ISK", "Fr": "CHF", "Ft": "HUF", "lei": "RON",
}  # fmt: skip
_SPACES = re.compile(r"[\s\u00a0\u202f\u2009'’]")
_PRICE = re.compile(
    r"(?P<before>Fr\.|kr\.|Rs\.?|[^\d,.+-]*)(?P<amount>[\d.,]*\d)(?:,-|\.-)?(?P<after>[^\d,.]*\.?)",
    re.IGNORECASE,
)


class PriceInvalid(ValueError):
    """What is written is no price; the message names the fix."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def minor_digits(currency: str) -> int:
    """Return how many decimals the currency has (ISO 4217)."""
    return 0 if currency in _NO_MINOR + _NO_MINOR_FRANCS else 3 if currency in _THREE_DIGITS else 2


def parse_price(value: Any, currency: str) -> tuple[int, str]:
    """Return (minor units, ISO currency) of "15.00 USD", "1.299,00 EUR", "$15", 15.5, {"value", "currency"}.

    `currency` is the merchant's: it holds where the price names none. PriceInvalid (code, message) otherwise,
    also where neither says one (currency "").
    """
    if isinstance(value, dict) and "value" in value:
        return parse_price(f"{value['value']} {value.get('currency', '')}", currency)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise PriceInvalid("price-invalid", 'This is no price. Write it as "15.00 USD".')
    if not isinstance(value, str):
        return _minor(Decimal(repr(value)), _known(currency), str(value)), currency
    text = _SPACES.sub("", value)
    match = _PRICE.fullmatch(text)
    if match is None:
        raise PriceInvalid("price-invalid", f'{value[:40]!r} is no price. Write it as "15.00 USD".')
    named = _currency(match["before"], match["after"], currency)
    return _minor(_amount(match["amount"], named), named, value), named


def _currency(before: str, after: str, merchants: str) -> str:
    named = before or after
    if before and after and before.casefold() != after.casefold():
        named = after if after.upper() in CURRENCIES else before  # "$15.00 USD"
    if not named:
        return _known(merchants)
    if named.upper() in CURRENCIES:
        return named.upper()
    for sign, meant in _SIGNS.items():
        if named.casefold().rstrip(".") == sign.casefold():
            return merchants if merchants in meant.split() else meant.split()[0]
    message = f"{named[:20]!r} is no currency. Write the ISO code, such as USD or EUR."
    raise PriceInvalid("currency-unknown", message)


def _known(currency: str) -> str:
    if currency:
        return currency
    message = (
        'The price names no currency, and the shop has none yet. Write it as "15.00 EUR", or set the shop'
    )
    raise PriceInvalid(
        "currency-missing", f"{message}'s currency (console: Team, Prices; twirl shop --currency EUR)."
    )


def _amount(text: str, currency: str) -> Decimal:
    """Read digits with thousands and decimal separators of either kind."""
    commas, points = text.count(","), text.count(".")
    if commas and points:
        decimal = max(",.", key=text.rindex)
        other = "." if decimal == "," else ","
        if text.count(decimal) > 1 or not _grouped(text[: text.rindex(decimal)], other):
            raise PriceInvalid("price-invalid", f'{text[:40]!r} is no price. Write it as "1299.00".')
        return Decimal(text.replace(other, "").replace(decimal, "."))
    if not commas and not points:
        return Decimal(text)
    separator = "," if commas else "."
    if commas + points > 1:
        if not _grouped(text, separator):
            raise PriceInvalid("price-invalid", f'{text[:40]!r} is no price. Write it as "1299.00".')
        return Decimal(text.replace(separator, ""))
    return _with_one_separator(text, separator, currency)


def _with_one_separator(text: str, separator: str, currency: str) -> Decimal:
    whole, _, rest = text.partition(separator)
    if len(rest) == 3 and minor_digits(currency) != 3 and whole not in ("", "0"):
        if separator == ",":
            return Decimal(whole + rest)
        message = f"{text[:40]!r} can mean {whole}{rest} or {whole}.{rest[:2]}. Write it with two decimals."
        raise PriceInvalid("price-ambiguous", message)
    return Decimal(f"{whole or 0}.{rest}")


def _grouped(text: str, separator: str) -> bool:
    """Say whether the digits stand in groups: "1,299,000" or, as in India, "12,99,000"."""
    first, *groups = text.split(separator)
    return 1 <= len(first) <= 3 and len(groups[-1]) == 3 and all(len(group) in (2, 3) for group in groups)


def _minor(amount: Decimal, currency: str, written: str) -> int:
    try:
        minor = amount.scaleb(minor_digits(currency))
        whole = int(minor)
    except (InvalidOperation, OverflowError, ValueError):
        raise PriceInvalid("price-invalid", f'{written[:40]!r} is no price. Write it as "15.00".') from None
    if whole < 0 or whole > MAX_MINOR:
        raise PriceInvalid("price-out-of-range", f"{written[:40]!r} is below zero or too large for a price.")
    if whole != minor:
        digits = minor_digits(currency)
        message = f"{written[:40]!r} has more than the {digits} decimals of {currency}. Round it."
        raise PriceInvalid("price-precision", message)
    return whole
