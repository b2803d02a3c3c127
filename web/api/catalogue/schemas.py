"""The shapes of a merchant's products, as the API's document has them.

What is sent is checked by the code that checks feeds (`catalog.programs.documents`), not by these.
"""

from marshmallow import Schema, fields, validate

from catalog.models import AVAILABILITIES, IMAGE_STATES


def said(words: str) -> dict[str, str]:
    """What the document says of a field."""
    return {"description": words}


class ProductDocumentSchema(Schema):
    """A product as it is written. A line of a JSONL import has the same fields, and its `sku`."""

    sku = fields.String(metadata=said("As in the address; may be left out there. At most 100 characters."))
    title = fields.String(validate=validate.Length(max=300), metadata=said("Required."))
    images = fields.List(
        fields.String(),
        metadata=said(
            "Required: 1 to 11, the main one first. Links, names of files that come along, or uploads of "
            "this product as they were given."
        ),
    )
    description = fields.String(metadata=said("What is over 5,000 characters is cut."))
    link = fields.String(metadata=said("The merchant's own page of it."))
    brand = fields.String(validate=validate.Length(max=150))
    category = fields.String(metadata=said('A path: "Women > Dresses".'))
    colour = fields.String(metadata=said('"Red", or several: "Red/White".'))
    pattern = fields.String()
    material = fields.String()
    gender = fields.String()
    age_group = fields.String()
    size = fields.String()
    availability = fields.String(metadata=said(f"One of {', '.join(AVAILABILITIES)}, or as feeds write it."))
    item_group_id = fields.String(metadata=said("What variants share; the sku where it is left out."))
    price = fields.String(
        allow_none=True,
        metadata=said(
            '"49.00 EUR". Without a currency it is in the shop\'s; another is refused (currency-mismatch).'
        ),
    )
    sale_price = fields.String(allow_none=True)
    attributes = fields.Dict(keys=fields.String(), metadata=said("What has no field of its own."))
    hidden = fields.Boolean(metadata=said("Out of the shop without being deleted. A PUT may leave it out."))


class OwnPictureSchema(Schema):
    """How far one picture is."""

    position = fields.Integer(required=True)
    source = fields.String(required=True, metadata=said("As in `images`."))
    state = fields.String(required=True, validate=validate.OneOf(IMAGE_STATES))
    error_code = fields.String(required=True, metadata=said('Why it failed; "" where it did not.'))
    error_message = fields.String(required=True)
    sha256 = fields.String(
        required=True, allow_none=True, metadata=said("Of its bytes; null until they are there.")
    )


class OwnProductSchema(ProductDocumentSchema):
    """A product as its merchant reads it: what may be written, and how far it is."""

    rev = fields.Integer(required=True, metadata=said("Rises with each change."))
    state = fields.String(
        required=True,
        validate=validate.OneOf(("live", "waiting", "hidden", "failed")),
        metadata=said("waiting: a picture, or a change, is not searchable yet."),
    )
    pictures = fields.List(fields.Nested(OwnPictureSchema), required=True)
    locked = fields.List(
        fields.String(),
        required=True,
        metadata=said("Fields set by hand in the console: no program changes them."),
    )
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)


class ProductFormSchema(Schema):
    """The same with pictures as files."""

    product = fields.String(required=True, metadata=said("The product as JSON."))
    images = fields.List(
        fields.Raw(metadata={"type": "string", "format": "binary"}),
        metadata=said("Pictures, named in the product's `images` by their file names; all together 17 MB."),
    )


class OwnProductsSchema(Schema):
    """A page of products in the order of their skus."""

    products = fields.List(fields.Nested(OwnProductSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
