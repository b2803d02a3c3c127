# flask-smorest ships no types, so its decorators have none.
# mypy: disable-error-code="untyped-decorator"
"""What is chosen of a search by pages and programs that are not the shop's own."""

from typing import Any

from flask import Response, request
from flask_smorest import Blueprint  # type: ignore[import-untyped]
from marshmallow import Schema, ValidationError, fields, validate

from catalog.insight.tables import KINDS
from searcher.query import MAX_NAME
from web import origin
from web.problems import FieldError, http, invalid

blueprint = Blueprint("events", __name__, description="What is chosen of a search.")


class EventSchema(Schema):
    """One piece of a search's results, and what was done with it."""

    origin = fields.String(
        required=True,
        validate=validate.Length(min=1, max=64),
        metadata={"description": "Of the hit, as the search gave it. Good for a day."},
    )
    sku = fields.String(
        required=True,
        validate=validate.Length(min=1, max=MAX_NAME),
        metadata={"description": "Of the hit, or of another variant that was opened in its place."},
    )
    kind = fields.String(
        load_default="open",
        validate=validate.OneOf(KINDS),
        metadata={
            "description": "open: its page was opened; compare: it was laid aside; similar: more like it."
        },
    )


_BODY = {"required": True, "content": {"application/json": {"schema": EventSchema}}}


@blueprint.post("/events")
@blueprint.doc(requestBody=_BODY, summary="Count what was chosen of a search")
@blueprint.response(204)
@blueprint.alt_response(400, "BAD_REQUEST", success=False)
@blueprint.alt_response(422, "UNPROCESSABLE_ENTITY", success=False)
def note() -> Response:
    """Each piece counts once in each way, of one search. Any media type will do, for `sendBeacon`.

    Where a browser asks not to be followed (DNT, Sec-GPC) nothing is counted, and the answer is the same.
    """
    given: Any = request.get_json(force=True, silent=True)
    if not isinstance(given, dict):
        raise http(400, "The body is no JSON object.", 'Send an object such as {"origin": "…", "sku": "…"}.')
    try:
        event = EventSchema().load(given)
    except ValidationError as error:
        messages: Any = error.messages
        raise invalid(
            tuple(FieldError(str(name), str(said[0])) for name, said in messages.items())
        ) from error
    good = origin.note_chosen(event["origin"], [event["sku"]], event["kind"])
    if not good and origin.followed() and origin.counts():
        said = "It is of no search of the last day that showed this sku: take it from the hit."
        raise invalid((FieldError("origin", said),))
    return Response(status=204)
