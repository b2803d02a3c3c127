"""Whether what a webhook was told comes from the shop: the signature of Standard Webhooks."""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twirl_client.errors import TwirlError

TOLERANCE_S = 300.0


class WebhookInvalid(TwirlError):
    """A message that is not the shop's, was changed on its way, or is too old: do not act on it."""


@dataclass(frozen=True)
class Event:
    """One message. It may come more than once, always with the same `id`: remember what was acted on."""

    id: str
    type: str
    data: Mapping[str, Any]


def verify(
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    tolerance_s: float = TOLERANCE_S,
    now: float | None = None,
) -> Event:
    """The event that a request carries. `body` is as it came, to the byte. Raises WebhookInvalid.

    A message older than `tolerance_s`, or as far in the future, is refused: it may be one that somebody sends
    again. `now` is for tests.
    """
    said = {name.lower(): value for name, value in headers.items()}
    message_id, stamp = said.get("webhook-id", ""), said.get("webhook-timestamp", "")
    if not message_id or not stamp.isascii() or not stamp.isdigit():
        raise WebhookInvalid("The headers webhook-id and webhook-timestamp are missing or no such.")
    if abs((time.time() if now is None else now) - int(stamp)) > tolerance_s:
        raise WebhookInvalid("The message is too old or from the future; or this machine's clock is wrong.")
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise WebhookInvalid("The secret is none: it begins with whsec_.") from None
    signed = hmac.new(key, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    expected = f"v1,{base64.b64encode(signed).decode()}".encode()
    given = said.get("webhook-signature", "").encode().split()
    if not any(hmac.compare_digest(expected, each) for each in given):
        raise WebhookInvalid("The signature is not the shop's.")
    told = json.loads(body)
    return Event(message_id, str(told["type"]), told["data"])
