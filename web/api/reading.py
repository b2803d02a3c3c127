"""From a request to the one query: JSON, or a form with the photo as a file."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from flask import request
from marshmallow import ValidationError

from searcher.crop import Crop
from searcher.filters import Filters
from searcher.query import SearchQuery
from web import money
from web.api.asked_schemas import FiltersSchema, SearchSchema
from web.problems import FieldError, http, invalid
from web.uploads import keep_photo, uploaded

MAX_DEPTH = 40
_NUMBERS = {"balance": float, "limit": int}


def read_search(merchant_id: int, currency: str) -> SearchQuery:
    """The query of a POST /search in a shop of this currency. Raises Refused, QueryRefused, ImageRefused."""
    photo_id = None
    if request.mimetype == "application/json":
        given = json_object(request.get_data(cache=False))
    elif request.mimetype == "multipart/form-data":
        given = _form()
        photo = uploaded("photo")
        photo_id = keep_photo(photo) if photo is not None else None
    else:
        raise http(415)
    return _query(merchant_id, given, photo_id, currency)


def read_filters() -> Filters:
    """The filters of a GET /facets, as repeated parameters: ?colour=red&colour=navy&price_max=5000."""
    given: dict[str, Any] = {}
    for name, values in request.args.lists():
        given[name] = _whole(values[-1]) if name in ("price_min", "price_max") else values
    return Filters.from_mapping(_load(FiltersSchema(), given, "filters."))


def _query(merchant_id: int, given: Mapping[str, Any], photo_id: str | None, currency: str) -> SearchQuery:
    asked = _load(SearchSchema(), given)
    filters = Filters.from_mapping(asked.pop("filters"))
    asked["exclude"] = tuple(asked["exclude"])
    asked["crop"] = Crop(*asked["crop"]) if asked["crop"] else None
    asked["choices"] = tuple(asked.pop("chips").items())
    asked["photo_id"] = photo_id or asked["photo_id"]
    digits = money.digits(currency)
    return SearchQuery(
        merchant_id=merchant_id, filters=filters, currency=currency, currency_digits=digits, **asked
    )


def json_object(body: bytes) -> Mapping[str, Any]:
    """The object that a body holds; an empty body is an empty one. Raises Refused."""
    try:
        given = json.loads(body or b"{}", parse_constant=_no_constant)
        if isinstance(given, dict):
            _check_depth(given)
            _check_text(given)
            return given
    except (ValueError, RecursionError) as error:
        raise http(400, "The body is not JSON.", "Send a JSON object in UTF-8.") from error
    raise http(400, "The body is JSON, but not an object.", 'Send an object such as {"words": "red"}.')


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _check_depth(given: Any) -> None:
    """Refuse what is nested so deep that whoever walks over it would run out of stack."""
    layer, depth = [given], 0
    while layer:
        if depth > MAX_DEPTH:
            raise http(400, f"The JSON is nested more than {MAX_DEPTH} deep.", "Write it flat.")
        inner = [each for each in layer if isinstance(each, dict | list)]
        layer = [one for each in inner for one in (each.values() if isinstance(each, dict) else each)]
        depth += 1


def _check_text(given: Any) -> None:
    """Refuse what no database takes as text: NUL, and halves of a surrogate pair."""
    text = json.dumps(given, ensure_ascii=False)
    if "\\u0000" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise http(400, "The body holds characters that are no text.", "Leave out NUL and lone surrogates.")


def _form() -> Mapping[str, Any]:
    if request.content_length and not request.form and not request.files:
        raise http(400, "The form could not be read.", "Send multipart/form-data with its boundary.")
    given: dict[str, Any] = {name: value for name, value in request.form.items() if name != "photo"}
    _check_text(given)
    for name, default in (("filters", {}), ("exclude", []), ("chips", {}), ("crop", None)):
        if name in given:
            given[name] = _json_field(name, given[name] or json.dumps(default))
    for name, kind in _NUMBERS.items():
        if name in given:
            given[name] = _number(name, given[name], kind)
    return given


def _json_field(name: str, text: str) -> Any:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise invalid((FieldError(name, "This field must be JSON."),)) from error
    _check_text(given)
    return given


def _number(name: str, text: str, kind: type) -> Any:
    try:
        return kind(text)
    except ValueError as error:
        raise invalid((FieldError(name, f"{text[:40]!r} is not a number."),)) from error


def _whole(text: str) -> Any:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else text


def _load(schema: Any, given: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    try:
        return dict(schema.load(given))
    except ValidationError as error:
        raise invalid(tuple(_flat(error.messages, prefix))) from error


def _flat(messages: Any, path: str) -> Iterator[FieldError]:
    """marshmallow's nested messages as one list: ("filters.colour.0", "Not a valid string.")."""
    if isinstance(messages, Mapping):
        for name, below in messages.items():
            yield from _flat(below, f"{path}{name}.")
    else:
        for message in messages if isinstance(messages, list) else [messages]:
            yield FieldError(path.rstrip(".")[:200], str(message))
