# flask-smorest ships no types, so its decorators have none.
# mypy: disable-error-code="untyped-decorator"
"""What goes with a product: its endpoint and the shape of the answer."""

from typing import Any

from flask_smorest import Blueprint  # type: ignore[import-untyped]
from marshmallow import Schema, fields, validate

from web.api import shapes
from web.api.schemas import HitSchema
from web.services import services
from web.shop import shelf

blueprint = Blueprint("looks", __name__, description="What goes together.")


class PieceSchema(HitSchema):
    """One piece that goes with a product."""

    class Meta:
        """It answers no words."""

        exclude = ("score", "why", "origin")

    because = fields.String(
        required=True,
        validate=validate.OneOf(("shop", "style")),
        metadata={"description": "The shop puts them together, or they go by style and colour."},
    )


class LookSchema(Schema):
    """A product's look: pieces of other kinds."""

    pieces = fields.List(fields.Nested(PieceSchema), required=True)


@blueprint.get("/products/<path:sku>/look")
@blueprint.doc(summary="What goes with a product")
@blueprint.response(200, LookSchema)
@blueprint.alt_response(404, "NOT_FOUND", success=False)
@blueprint.alt_response(503, "SERVICE_UNAVAILABLE", success=False)
def look(sku: str) -> dict[str, Any]:
    """At most four pieces of other kinds, in stock, for the same people."""
    found = shelf.product(sku)
    pieces = services().searcher.look(found.merchant_id, found.sku)
    return {"pieces": [{**shapes.hit(piece.hit), "because": piece.because} for piece in pieces]}
