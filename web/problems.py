"""The one error table: what went wrong, in words that name the way on, as RFC 9457 problem details."""

from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from werkzeug.exceptions import HTTPException, MethodNotAllowed

from catalog.database import AWAY
from catalog.pictures.decoder import DecoderUnavailable, ImageRefused
from catalog.site import SiteRefused
from catalog.storage.blobs import StorageUnavailable
from searcher.errors import QueryRefused, SearchBusy, SearchUnavailable
from web.language import noted

MEDIA_TYPE = "application/problem+json"
_NAMED_IN_DETAIL = 10


@dataclass(frozen=True)
class FieldError:
    """One field of a request that cannot be used."""

    field: str
    message: str
    code: str = "invalid"


@dataclass(frozen=True)
class Problem:
    """An answer that is not what was asked for.

    `code` is stable and kebab-case: programs branch on it. `fix` is an imperative sentence for a person.
    """

    status: int
    code: str
    message: str
    fix: str
    errors: tuple[FieldError, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The status in words."""
        return HTTPStatus(self.status).phrase

    def body(self, request_id: str) -> dict[str, Any]:
        """The problem+json document. `type` never changes for a code."""
        return {
            "type": f"urn:twirl:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.message,
            "code": self.code,
            "fix": self.fix,
            "errors": [{"field": e.field, "code": e.code, "message": e.message} for e in self.errors],
            "request_id": request_id,
        }


class Refused(Exception):
    """A request that this room itself refuses."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


_HTTP: dict[int, tuple[str, str, str]] = {
    400: ("bad-request", noted("The request could not be read."),
          noted("Check the request against the API page.")),
    403: ("cross-site", noted("The request came from another site."),
          noted("Send the form from the shop's own page.")),
    404: ("not-found", noted("There is nothing at this address."),
          noted("Search, or start from the shop's first page.")),
    405: ("method-not-allowed", noted("This address does not take that method."),
          noted("Use a method that Allow names.")),
    408: ("too-slow", noted("The request took too long to arrive."), noted("Send it again.")),
    413: ("too-large", noted("This is larger than 16 MB."), noted("Choose a smaller photo.")),
    415: ("unsupported-media-type", noted("The body is not in a format that is read here."),
          noted("Send application/json or multipart/form-data.")),
    422: ("invalid", noted("Some fields cannot be used."), noted("Change the fields that errors names.")),
}  # fmt: skip

_IMAGE_STATUS = {
    "image-too-large": 413,
    "image-too-many-pixels": 413,
    "image-format": 415,
}


def _of_image(error: ImageRefused) -> Problem:
    status = _IMAGE_STATUS.get(error.code, 422)
    return Problem(status, error.code, error.message, error.fix, (FieldError("photo", error.message),))


def _of_query(error: QueryRefused) -> Problem:
    errors = (FieldError(error.field, error.message),) if error.field else ()
    return Problem(422, error.code, error.message, error.fix, errors)


def _of_outage(error: SearchUnavailable) -> Problem:
    seconds = max(1, round(error.retry_after))
    return Problem(
        503,
        "search-unavailable",
        noted("Search is taking a short break."),
        f"Try again in {seconds} seconds. The shop's pages still open.",
        headers={"Retry-After": str(seconds)},
    )


def _of_busy(error: SearchBusy) -> Problem:
    seconds = max(1, round(error.retry_after))
    said = "Search has more to do right now than it can."
    headers = {"Retry-After": str(seconds)}
    return Problem(503, error.code, said, f"Try again in {seconds} seconds.", headers=headers)


def _of_decoder(error: DecoderUnavailable) -> Problem:
    return Problem(
        503,
        "photos-unavailable",
        noted("Photos cannot be read right now."),
        noted("Try again in a few seconds, or search with words."),
        headers={"Retry-After": "5"},
    )


def _of_storage(error: StorageUnavailable) -> Problem:
    return Problem(
        503,
        "pictures-unavailable",
        noted("Pictures cannot be shown right now."),
        noted("Try again in a few seconds. Search and prices still work."),
        headers={"Retry-After": "5"},
    )


def _of_database(_error: Exception) -> Problem:
    return Problem(
        503,
        "database-unavailable",
        noted("The shop is taking a short break."),
        noted("Try again in a few seconds."),
        headers={"Retry-After": "5"},
    )


def _of_site(error: SiteRefused) -> Problem:
    return Problem(409, error.code, error.message, error.fix)


def _of_http(error: HTTPException) -> Problem:
    status = error.code if error.code and 400 <= error.code < 500 else 500
    if status == 500:
        return unexpected()
    code, message, fix = _HTTP.get(status, _HTTP[400])
    headers = {}
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return Problem(status, code, message, fix, headers=headers)


def unexpected() -> Problem:
    """A fault of ours: nothing of it is shown, the request id finds it in the log."""
    return Problem(
        500,
        "internal",
        noted("Something went wrong on our side."),
        noted("Try again. If it comes back, tell the shop the request number."),
    )


def invalid(errors: tuple[FieldError, ...]) -> Refused:
    """Fields of a request that cannot be used, all of them at once."""
    said = [f"{e.field}: {e.message}" for e in errors[:_NAMED_IN_DETAIL]]
    if len(errors) > _NAMED_IN_DETAIL:
        said.append(f"And {len(errors) - _NAMED_IN_DETAIL} more.")
    return Refused(Problem(422, "invalid", " ".join(said), "Change the fields that errors names.", errors))


def http(status: int, message: str | None = None, fix: str | None = None) -> Refused:
    """A refusal by status, with the table's own words unless better ones are given."""
    code, usual, way_on = _HTTP[status]
    return Refused(Problem(status, code, message or usual, fix or way_on))


_TABLE: tuple[tuple[type[Exception], Callable[[Any], Problem]], ...] = (
    (Refused, lambda error: error.problem),
    (ImageRefused, _of_image),
    (QueryRefused, _of_query),
    (SearchBusy, _of_busy),
    (SearchUnavailable, _of_outage),
    (DecoderUnavailable, _of_decoder),
    (StorageUnavailable, _of_storage),
    (SiteRefused, _of_site),
    *((kind, _of_database) for kind in AWAY),
    (HTTPException, _of_http),
)

NAMED = tuple(kind for kind, _ in _TABLE)


def problem_of(error: Exception) -> Problem:
    """The answer to an error; one that the table does not name is a fault of ours."""
    for kind, translate in _TABLE:
        if isinstance(error, kind):
            return translate(error)
    return unexpected()
