"""Codes as an app for second factors shows them."""

import time

from passlib.totp import TOTP

STEP_S, ROOM_S = 30, 5.0


def code_now(app: TOTP, room_s: float = ROOM_S) -> str:
    """The code of the present half minute; of the next one where this one is nearly over."""
    left = STEP_S - time.time() % STEP_S
    if left < room_s:
        time.sleep(left + 0.05)
    return str(app.generate().token)
