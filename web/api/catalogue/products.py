# flask-smorest ships no types, so its decorators have none.
# mypy: disable-error-code="untyped-decorator"
"""A merchant's own products: read, put, patched, deleted, one at a time."""

import hashlib
import json
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from flask import Response, jsonify, request, url_for
from flask_smorest import Blueprint  # type: ignore[import-untyped]
from sqlalchemy.orm import Session

from catalog.models import Product
from catalog.programs.documents import Known, ProductRefused, document, tag, told
from catalog.programs.edits import (
    Condition,
    Edited,
    ProductChanged,
    ProductMissing,
    keep_uploads,
    patch_product,
    products_after,
    put_product,
    read_product,
    remove_product,
)
from web.api.catalogue import asked
from web.api.catalogue.described import KEYED, PAGE
from web.api.catalogue.keys import needs
from web.api.catalogue.schemas import (
    OwnProductSchema,
    OwnProductsSchema,
    ProductDocumentSchema,
    ProductFormSchema,
)
from web.problems import FieldError, Problem, Refused, http, invalid
from web.services import merchant, services

blueprint = Blueprint("products", __name__, description="A merchant's own products.")

T = TypeVar("T")
_FORM = {"multipart/form-data": {"schema": ProductFormSchema}}
_BODY = {"required": True, "content": {"application/json": {"schema": ProductDocumentSchema}, **_FORM}}
_PATCH = {
    "required": True,
    "content": {"application/merge-patch+json": {"schema": ProductDocumentSchema}, **_FORM},
}
_TAGS = {"ETag": {"schema": {"type": "string"}, "description": "Of this version, for If-Match."}}
_IF_MATCH = {"name": "If-Match", "in": "header", "schema": {"type": "string"}}
_IF_NONE = {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}}


@blueprint.get("/products")
@blueprint.doc(summary="The shop's own products, hidden ones too", parameters=PAGE, security=KEYED)
@blueprint.response(200, OwnProductsSchema)
@blueprint.alt_response(401, "UNAUTHORIZED", success=False)
@blueprint.alt_response(403, "FORBIDDEN", success=False)
@blueprint.alt_response(422, "UNPROCESSABLE_ENTITY", success=False)
@needs("catalogue:read")
def listed() -> Response:
    """In the order of their skus."""
    limit, after = asked.limit(), asked.after("products", "")
    with services().sessions() as session:
        found = products_after(session, merchant().id, after, limit + 1)
    more = asked.cursor("products", found[limit - 1].sku) if len(found) > limit else None
    return jsonify({"products": [_said(each) for each in found[:limit]], "next_cursor": more})


def own(sku: str) -> Response:
    """One product as its merchant reads it; 304 where the client has it already."""
    try:
        with services().sessions() as session:
            found = read_product(session, merchant().id, sku)
    except ProductMissing:
        _missing()
    response = _respond(found)
    response.make_conditional(request)
    return response


@blueprint.put("/products/<path:sku>")
@blueprint.doc(
    requestBody=_BODY, summary="Create or replace a product", parameters=[_IF_MATCH, _IF_NONE], security=KEYED
)
@blueprint.response(200, OwnProductSchema, headers=_TAGS)
@blueprint.alt_response(201, schema=OwnProductSchema, success=True, description="It was not there before")
@blueprint.alt_response(401, "UNAUTHORIZED", success=False)
@blueprint.alt_response(403, "FORBIDDEN", success=False)
@blueprint.alt_response(412, "PRECONDITION_FAILED", success=False)
@blueprint.alt_response(415, "UNSUPPORTED_MEDIA_TYPE", success=False)
@blueprint.alt_response(422, "UNPROCESSABLE_ENTITY", success=False)
@needs("catalogue:write")
def put(sku: str) -> Response:
    """Make it what the document says: what is left out is empty afterwards, but `hidden`."""
    given, known, condition = _asked()
    shop = merchant()
    return _written(lambda session: put_product(session, shop, sku, given, known, condition))


@blueprint.patch("/products/<path:sku>")
@blueprint.doc(
    requestBody=_PATCH, summary="Change some fields of a product", parameters=[_IF_MATCH], security=KEYED
)
@blueprint.response(200, OwnProductSchema, headers=_TAGS)
@blueprint.alt_response(401, "UNAUTHORIZED", success=False)
@blueprint.alt_response(403, "FORBIDDEN", success=False)
@blueprint.alt_response(404, "NOT_FOUND", success=False)
@blueprint.alt_response(412, "PRECONDITION_FAILED", success=False)
@blueprint.alt_response(415, "UNSUPPORTED_MEDIA_TYPE", success=False)
@blueprint.alt_response(422, "UNPROCESSABLE_ENTITY", success=False)
@needs("catalogue:write")
def patch(sku: str) -> Response:
    """A JSON merge patch (RFC 7396): null takes a field out, what is not named stays as it is."""
    given, known, condition = _asked()
    shop = merchant()
    return _written(lambda session: patch_product(session, shop, sku, given, known, condition))


@blueprint.delete("/products/<path:sku>")
@blueprint.doc(summary="Delete a product", parameters=[_IF_MATCH], security=KEYED)
@blueprint.response(204)
@blueprint.alt_response(401, "UNAUTHORIZED", success=False)
@blueprint.alt_response(403, "FORBIDDEN", success=False)
@blueprint.alt_response(404, "NOT_FOUND", success=False)
@blueprint.alt_response(412, "PRECONDITION_FAILED", success=False)
@needs("catalogue:write")
def delete(sku: str) -> Response:
    """It is out of every answer at once."""
    condition, shop = asked.condition(), merchant()
    gone = _change(lambda session: remove_product(session, shop.id, sku, condition))
    services().doorbell.ring([gone])
    return Response(status=204)


def _asked() -> tuple[Any, Known, Condition]:
    condition = asked.condition()
    given, files = asked.document()
    try:
        known = keep_uploads(services().incoming, files) if files else Known()
    except ProductRefused as error:
        _refuse(error)
    return given, known, condition


def _written(make: Callable[[Session], Edited]) -> Response:
    edited = _change(make)
    if edited.outcome != "unchanged":
        services().doorbell.ring([edited.product.id])
    response = _respond(edited.product)
    if edited.outcome == "created":
        response.status_code = 201
        response.headers["Location"] = url_for("api.product", sku=edited.product.sku)
    return response


def _change(make: Callable[[Session], T]) -> T:
    """Do it in one transaction; what is refused is answered in the API's words."""
    try:
        with services().sessions.begin() as session:
            return make(session)
    except ProductMissing:
        _missing()
    except ProductRefused as error:
        _refuse(error)
    except ProductChanged:
        said = "The product is not, or no longer, as this request takes it to be."
        fix = "Read it again, and send the change with the ETag that it has now."
        raise Refused(Problem(412, "product-changed", said, fix)) from None


def _missing() -> NoReturn:
    raise http(404, "The shop has no such product.", "Look for its sku: GET /api/v1/products.") from None


def _refuse(error: ProductRefused) -> NoReturn:
    raise invalid(tuple(FieldError(each.column, each.message, each.code) for each in error.faults)) from None


def _said(product: Product) -> dict[str, Any]:
    return {**document(product), **told(product)}


def _respond(product: Product) -> Response:
    """The product, its tag: the version of what may be written, and a hash of all that is said."""
    said = _said(product)
    whole = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:8]
    response = jsonify(said)
    response.set_etag(f"{tag(product)}-{whole}")
    response.headers["Cache-Control"] = "private, no-cache"
    response.vary.add("Authorization")
    return response
