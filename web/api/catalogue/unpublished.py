# flask-smorest ships no types, so its decorators have none.
# mypy: disable-error-code="untyped-decorator"
"""The search as a shopper sees it, with what is not published yet between: for a shop's own programs."""

from dataclasses import replace
from typing import Any

from flask_smorest import Blueprint  # type: ignore[import-untyped]
from marshmallow import Schema, fields, validate

from catalog.models import IMAGE_STATES
from web.api.asked_schemas import PhotoSearchSchema, SearchSchema
from web.api.catalogue.described import KEYED
from web.api.catalogue.keys import needs
from web.api.reading import read_search
from web.problems import FieldError, invalid
from web.services import merchant
from web.trying import Line, lines, tried

blueprint = Blueprint("unpublished", __name__, description="A search among what is not published, too.")
SCOPE = "search:unpublished"
_ONE_PAGE = "A test search has one page, the best match first: leave this out."


class ScorePartSchema(Schema):
    """One part of a score: `likeness` by a photo; by words what their ranks and being named give."""

    name = fields.String(required=True)
    value = fields.Float(required=True)


class TriedHitSchema(Schema):
    """One place. `state` is `live` for what shoppers find; else why they do not."""

    place = fields.Integer(required=True)
    sku = fields.String(required=True)
    title = fields.String(required=True)
    published = fields.Boolean(required=True)
    state = fields.String(required=True, validate=validate.OneOf(IMAGE_STATES))
    score = fields.Float(required=True)
    parts = fields.List(fields.Nested(ScorePartSchema), required=True)
    rules = fields.List(fields.String(), required=True)
    place_without_rules = fields.Integer(required=True, allow_none=True)


class TriedSchema(Schema):
    """The first places. Of `unpublished` items `looked` were compared so far: ask again for the others."""

    hits = fields.List(fields.Nested(TriedHitSchema), required=True)
    total = fields.Integer(required=True, metadata={"description": "What shoppers find."})
    looked = fields.Integer(required=True)
    unpublished = fields.Integer(required=True)
    photo_id = fields.String(required=True, allow_none=True)


_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": SearchSchema},
        "multipart/form-data": {"schema": PhotoSearchSchema},
    },
}


@blueprint.post("/search/unpublished")
@blueprint.doc(requestBody=_BODY, summary="Search among what is not published, too", security=KEYED)
@blueprint.response(200, TriedSchema)
@blueprint.alt_response(413, "REQUEST_ENTITY_TOO_LARGE", success=False)
@blueprint.alt_response(415, "UNSUPPORTED_MEDIA_TYPE", success=False)
@blueprint.alt_response(422, "UNPROCESSABLE_ENTITY", success=False)
@blueprint.alt_response(503, "SERVICE_UNAVAILABLE", success=False)
@needs(SCOPE)
def search() -> dict[str, Any]:
    """What a shopper would find, hidden items and those on their way at the places where they would stand."""
    query = read_search(merchant().id, merchant().currency)
    for name in ("cursor", "sort"):
        if getattr(query, name):
            raise invalid((FieldError(name, _ONE_PAGE),))
    found = tried(replace(query, facets=False))
    return {
        "hits": [_said(line) for line in lines(found) if line.place <= query.limit],
        "total": found.explanation.results.total, "looked": found.looked, "unpublished": found.there,
        "photo_id": query.photo_id,
    }  # fmt: skip


def _said(line: Line) -> dict[str, Any]:
    return {
        "place": line.place, "sku": line.product.sku, "title": line.product.title,
        "published": not line.unpublished, "state": line.unpublished or "live", "score": line.score,
        "parts": [{"name": name, "value": share} for name, share in line.parts], "rules": list(line.rules),
        "place_without_rules": line.before,
    }  # fmt: skip
