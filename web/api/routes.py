# flask-smorest ships no types, so its decorators have none.
# mypy: disable-error-code="untyped-decorator"
"""The API's endpoints: parse, one call, answer."""

from typing import Any

from flask import Response, jsonify, request
from flask_smorest import Blueprint  # type: ignore[import-untyped]

from web import observing
from web.api import shapes
from web.api.asked_schemas import PhotoSearchSchema, SearchSchema
from web.api.catalogue import keys as secret_keys
from web.api.catalogue import products as own_products
from web.api.catalogue.schemas import OwnProductSchema
from web.api.reading import read_filters, read_search
from web.api.schemas import FacetsSchema, ProductSchema, ResultsSchema, SuggestionsSchema
from web.pictures import rendition
from web.services import merchant, services
from web.shop import shelf

blueprint = Blueprint("api", __name__, description="Search the shop.")

_SEARCH_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": SearchSchema},
        "multipart/form-data": {"schema": PhotoSearchSchema},
    },
}
_PICTURE = {200: {"description": "WebP bytes", "content": {"image/webp": {}}}}
_FILTERS: list[dict[str, Any]] = [
    {
        "name": name,
        "in": "query",
        "schema": {"type": "array", "items": {"type": "string"}},
        "explode": True,
        "description": "Any of these values.",
    }
    for name in (
        "category",
        "brand",
        "colour",
        "pattern",
        "material",
        "gender",
        "age_group",
        "size",
        "availability",
    )
] + [
    {"name": name, "in": "query", "schema": {"type": "integer", "minimum": 0}, "description": "Minor units."}
    for name in ("price_min", "price_max")
]


_VIEW = {
    "name": "view", "in": "query", "schema": {"type": "string", "enum": ["shop"]},
    "description": "With a secret key: `shop` gives what shoppers see, all the same.",
}  # fmt: skip


@blueprint.post("/search")
@blueprint.doc(requestBody=_SEARCH_BODY, summary="Search by photo, words, a product, or any mix")
@blueprint.response(200, ResultsSchema)
@blueprint.alt_response(400, "BAD_REQUEST", success=False)
@blueprint.alt_response(413, "REQUEST_ENTITY_TOO_LARGE", success=False)
@blueprint.alt_response(415, "UNSUPPORTED_MEDIA_TYPE", success=False)
@blueprint.alt_response(422, "UNPROCESSABLE_ENTITY", success=False)
@blueprint.alt_response(503, "SERVICE_UNAVAILABLE", success=False)
def search() -> dict[str, Any]:
    """The page of hits, the facets, and a cursor to the next page."""
    query = read_search(merchant().id, merchant().currency)
    return shapes.results(observing.search(query), query.photo_id)


@blueprint.get("/products/<path:sku>")
@blueprint.doc(summary="One product: as shoppers see it, or as its merchant does", parameters=[_VIEW])
@blueprint.response(200, schema={"oneOf": [ProductSchema, OwnProductSchema]})
@blueprint.alt_response(404, "NOT_FOUND", success=False)
def product(sku: str) -> Response:
    """With a secret key, what its merchant may write of it and how far it is; else all that shoppers see."""
    if secret_keys.shown_key() and request.args.get("view") != "shop":
        secret_keys.require("catalogue:read")
        return own_products.own(sku)
    if secret_keys.shown_key():
        secret_keys.require("search")
    found = shelf.product(sku)
    response = jsonify(ProductSchema().dump(shapes.product(found, shelf.variants(found))))
    response.vary.add("Authorization")
    return response


@blueprint.get("/suggest")
@blueprint.doc(
    summary="What a shopper may be about to type",
    parameters=[
        {"name": "q", "in": "query", "required": True, "schema": {"type": "string", "maxLength": 500}}
    ],
)
@blueprint.response(200, SuggestionsSchema)
def suggest() -> dict[str, Any]:
    """At most eight: popular searches, kinds, brands, titles. Each text is searched as it stands."""
    found = services().searcher.suggester.suggest(merchant().id, request.args.get("q", ""))
    return {"suggestions": [{"kind": each.kind, "text": each.text} for each in found]}


@blueprint.get("/facets")
@blueprint.doc(summary="What the shop can be filtered by", parameters=_FILTERS)
@blueprint.response(200, FacetsSchema)
@blueprint.alt_response(422, "UNPROCESSABLE_ENTITY", success=False)
def facets() -> dict[str, Any]:
    """The facets, each counted under the other filters."""
    found = services().searcher.facets(merchant().id, read_filters())
    return {"facets": [shapes.facet(each) for each in found]}


@blueprint.get("/images/<sha256>/<int:size>")
@blueprint.doc(summary="One picture of a product", responses=_PICTURE)
@blueprint.alt_response(404, "NOT_FOUND", success=False)
def image(sha256: str, size: int) -> Response:
    """WebP bytes, 160, 480 or 1200 px on the longest side. They never change."""
    return rendition(sha256, size)
