"""What is shown once, on the page behind a redirect: loading that page again makes nothing anew.

In between it lies in the session of the one who made it, encrypted with a key that the database does not
have, and for a few minutes at most.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken
from flask import current_app, session

from accounts.tokens import derived

LASTS_S = 300
_HELD = "shown_once"


def hold(place: str, secret: str) -> None:
    """Keep it for the next showing of that place, instead of what was held before."""
    session[_HELD] = {"place": place, "sealed": _cipher().encrypt(secret.encode()).decode()}


def take(place: str) -> str:
    """What is held for that place, which is forgotten now; "" where there is nothing."""
    held = session.get(_HELD)
    if held is None or held["place"] != place:
        return ""
    session.pop(_HELD)
    try:
        return _cipher().decrypt(held["sealed"], ttl=LASTS_S).decode()
    except InvalidToken:  # it was not fetched in time, or under another key
        return ""


def _cipher() -> Fernet:
    key = current_app.secret_key
    assert isinstance(key, bytes), "the console's key is derived"  # noqa: S101 - create_console_app makes it
    return Fernet(base64.urlsafe_b64encode(derived(key.hex(), "twirl console shown once")))
