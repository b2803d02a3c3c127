"""What a host says of a file besides its bytes: what it may be asked by next time, and when."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

LONGEST_WAIT_S = 3600.0  # that a host is believed


@dataclass(frozen=True)
class Validators:
    """What the host said of the file the last time, to be asked whether it is still so (RFC 9110, 8.8)."""

    etag: str = ""
    last_modified: str = ""

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> "Validators":
        """From an answer's headers; one that is too long to be kept is none."""
        etag, modified = headers.get("ETag", "").strip(), headers.get("Last-Modified", "").strip()
        return cls(etag if len(etag) <= 300 else "", modified if len(modified) <= 100 else "")

    def __bool__(self) -> bool:
        """Whether there is anything to ask by."""
        return bool(self.etag or self.last_modified)

    @property
    def headers(self) -> dict[str, str]:
        """Of a request that wants the file only if it is another one by now."""
        asked = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in asked.items() if value}


NOTHING_KNOWN = Validators()


def wait_s(headers: Mapping[str, str]) -> float:
    """How long the host wants not to be asked (`Retry-After`: seconds or a date), 0 to an hour.

    A date is compared with the answer's own, where it has one: our clock may be another.
    """
    said = headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdigit():
        seconds = float(said)
    else:
        at, now = _instant(said), _instant(headers.get("Date", ""))
        seconds = 0.0 if at is None else at - (time.time() if now is None else now)
    return min(max(seconds, 0.0), LONGEST_WAIT_S)


def _instant(said: str) -> float | None:
    """An HTTP date as seconds since 1970, or None."""
    try:
        return parsedate_to_datetime(said).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
