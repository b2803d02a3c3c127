"""The words and signs for money in a request, and which currencies (ISO 4217) each may mean."""

import re

_DOLLARS = "USD CAD AUD NZD SGD HKD TWD"
_KRONER = "SEK NOK DKK ISK"
_MEANT = {  # words as patterns; a code that is an English word ("TRY", "TOP") is none of them
    r"\$": f"{_DOLLARS} MXN ARS CLP COP", "dollars?": _DOLLARS, "bucks": _DOLLARS,
    r"us\$": "USD", r"ca?\$": "CAD", r"au?\$": "AUD", r"nz\$": "NZD", r"hk\$": "HKD", r"s\$": "SGD",
    r"r\$": "BRL", "reais": "BRL", "€": "EUR", "euros?": "EUR", "£": "GBP EGP", "pounds?": "GBP EGP",
    "quid": "GBP", "¥": "JPY CNY", "yen": "JPY", "yuan": "CNY", "rmb": "CNY", "₩": "KRW", "won": "KRW",
    "kr": _KRONER, "kron(?:er|or|ur|a|e)": _KRONER, "zł": "PLN", "zl": "PLN", "z[lł]ot(?:y|ys|ych)": "PLN",
    "k[cč]": "CZK", "korun[ay]?": "CZK", "forints?": "HUF", "lei": "RON MDL", "leva?": "BGN",
    "francs?": "CHF XOF XAF", "sfr": "CHF", "₹": "INR", "rs": "INR PKR LKR NPR", "rupees?": "INR PKR LKR NPR",
    "₺": "TRY", "tl": "TRY", "liras?": "TRY", "₽": "RUB", "rou?bles?": "RUB", "₴": "UAH", "hryvnias?": "UAH",
    "₪": "ILS", "shekels?": "ILS", "฿": "THB", "baht": "THB", "₫": "VND", "dong": "VND", "₱": "PHP",
    "pesos?": "MXN PHP ARS CLP COP UYU", "rand": "ZAR", "ringgit": "MYR", "rupiah": "IDR",
    "dinars?": "KWD BHD JOD TND IQD LYD RSD DZD", "dirhams?": "AED MAD", "riyals?": "SAR QAR OMR",
    "rials?": "OMR",
}  # fmt: skip
_CODES = (
    "usd eur gbp jpy cny chf sek nok dkk isk pln czk huf ron bgn cad aud nzd sgd hkd twd inr krw brl mxn zar "
    "ils thb php idr myr vnd aed sar qar kwd bhd omr jod uah clp ars"
)
_OF = {**_MEANT, **{code: code.upper() for code in _CODES.split()}}
SIGN = rf"(?:{'|'.join(sorted(_OF, key=len, reverse=True))})"
_NAMED = re.compile(rf"(?<![^\W\d_]){SIGN}(?![^\W\d_])", re.IGNORECASE)
_EACH = [(re.compile(written, re.IGNORECASE), tuple(meant.split())) for written, meant in _OF.items()]


def other_than(priced: str, currency: str) -> str:
    """Return what a price in words ("under $50") is in where that cannot be `currency`; else "".

    Nothing named, or `currency` "", is never another.
    """
    for named in _NAMED.findall(priced) if currency else ():
        meant = next(meant for written, meant in _EACH if written.fullmatch(named))
        if currency not in meant:
            return meant[0]
    return ""
