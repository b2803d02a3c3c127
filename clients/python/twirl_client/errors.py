"""What can go wrong: the shop says no, or no shop answers."""

from dataclasses import dataclass

import httpx


class TwirlError(Exception):
    """Anything that goes wrong with a request."""


class TwirlUnreachable(TwirlError):
    """No answer of a shop came: no connection, no time, or another program answered."""


@dataclass(frozen=True)
class FieldError:
    """One field that cannot be used."""

    field: str
    message: str
    code: str = "invalid"


class TwirlRefused(TwirlError):
    """The shop refused (RFC 9457). Branch on `code`: it never changes. `fix` says what to do."""

    def __init__(self, status: int, said: dict[str, object]) -> None:
        self.status, self.code = status, str(said["code"])
        self.message, self.fix = str(said.get("detail", "")), str(said.get("fix", ""))
        self.request_id = str(said.get("request_id", ""))
        given = said.get("errors")
        errors = given if isinstance(given, list) else []
        self.errors = tuple(
            FieldError(str(each["field"]), str(each["message"]), str(each.get("code", "invalid")))
            for each in errors
        )
        super().__init__(f"{self.code}: {self.message} {self.fix}".strip())


def error_of(answer: httpx.Response) -> TwirlError:
    """The error that an answer of 300 and above, or one without sense, stands for."""
    try:
        said = answer.json()
    except ValueError:
        said = None
    if isinstance(said, dict) and "code" in said and answer.status_code >= 400:
        return TwirlRefused(answer.status_code, said)
    return TwirlUnreachable(f"{answer.request.url} answered {answer.status_code}, not as a Twirl shop.")
