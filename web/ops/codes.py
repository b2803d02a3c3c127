"""The operators' second factor: a code of an app (RFC 6238), made with one key as there is one token."""

from passlib.exc import TokenError
from passlib.totp import TOTP


class Codes:
    """Reads codes made with the key of TWIRL_OPS_SECOND_FACTOR."""

    def __init__(self, key: str) -> None:
        self._app = TOTP(key=key, format="base32")

    def step(self, said: str) -> int | None:
        """The time step of which this is the code, if that is the present one: a code lives half a minute."""
        try:
            return int(self._app.match(said.replace(" ", "")[:10], window=0).counter)
        except TokenError:  # not six digits, or not these
            return None
