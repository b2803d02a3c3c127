"""What the API is asked: shapes that are also its documentation."""

from marshmallow import RAISE, Schema, fields, validate

from searcher.filters import FACET_FIELDS
from searcher.query import MAX_CHOICES, MAX_EXCLUDE, MAX_LIMIT, MAX_NAME, MAX_WORDS, SORTS
from searcher.understanding.chips import MODES


def _said(words: str) -> dict[str, str]:
    return {"description": words}


class FiltersSchema(Schema):
    """Every field must hold; within a field any of its values."""

    class Meta:
        """An unknown filter is refused, not ignored."""

        unknown = RAISE

    price_min = fields.Integer(
        strict=True,
        allow_none=True,
        validate=validate.Range(min=0),
        metadata=_said("Minor units, inclusive."),
    )
    price_max = fields.Integer(
        strict=True,
        allow_none=True,
        validate=validate.Range(min=0),
        metadata=_said("Minor units, inclusive."),
    )
    without = fields.Dict(
        keys=fields.String(validate=validate.OneOf(FACET_FIELDS)),
        values=fields.List(fields.String()),
        metadata=_said("Values that must not be there, by field."),
    )


for _name in FACET_FIELDS:
    FiltersSchema._declared_fields[_name] = fields.List(
        fields.String(validate=validate.Length(max=MAX_NAME)), metadata=_said("Any of these values.")
    )


class SearchSchema(Schema):
    """A photo, words, a catalogue item as the reference, or any mix of them, under filters."""

    class Meta:
        """A field that is not known is refused: a typing mistake must not widen a search."""

        unknown = RAISE

    words = fields.String(
        load_default="",
        validate=validate.Length(max=MAX_WORDS),
        metadata=_said("What to look for or change."),
    )
    photo_id = fields.String(
        load_default=None, allow_none=True, validate=validate.Length(max=MAX_NAME),
        metadata=_said("A photo sent before, as POST /photos or a search named it."),
    )  # fmt: skip
    crop = fields.List(
        fields.Float(validate=validate.Range(0, 1)), load_default=None, allow_none=True,
        validate=validate.Length(equal=4),
        metadata=_said("The part of the photo that is meant: left, top, width, height, as shares of it."),
    )  # fmt: skip
    reference = fields.String(
        load_default=None, allow_none=True, validate=validate.Length(max=MAX_NAME),
        metadata=_said("SKU of a product whose picture leads the search."),
    )  # fmt: skip
    filters = fields.Nested(FiltersSchema, load_default=dict)
    balance = fields.Float(
        load_default=0.5, validate=validate.Range(0, 1),
        metadata=_said("0: the picture only; 0.5: the learned default; 1: the words only."),
    )  # fmt: skip
    sort = fields.String(
        load_default="", validate=validate.OneOf(SORTS), metadata=_said('"" is the best match first.')
    )
    limit = fields.Integer(strict=True, load_default=24, validate=validate.Range(1, MAX_LIMIT))
    cursor = fields.String(
        load_default=None, allow_none=True, validate=validate.Length(max=2048),
        metadata=_said("`next_cursor` of the page before, with the rest of the request unchanged."),
    )  # fmt: skip
    collapse = fields.Boolean(
        load_default=True, truthy={True, "true", "1"}, falsy={False, "false", "0"},
        metadata=_said("One hit for a product and all its variants."),
    )  # fmt: skip
    facets = fields.Boolean(
        load_default=True, truthy={True, "true", "1"}, falsy={False, "false", "0"},
        metadata=_said("Count what could be filtered by."),
    )  # fmt: skip
    understand = fields.Boolean(
        load_default=True, truthy={True, "true", "1"}, falsy={False, "false", "0"},
        metadata=_said("Read filters, prices and typos from the words; `understood` says which."),
    )  # fmt: skip
    chips = fields.Dict(
        keys=fields.String(validate=validate.Length(max=MAX_NAME)),
        values=fields.String(validate=validate.OneOf(MODES)),
        load_default=dict, validate=validate.Length(max=MAX_CHOICES),
        metadata=_said('How a thing understood counts, by its key: {"colour=red": "must"}.'),
    )  # fmt: skip
    exclude = fields.List(  # type: ignore[assignment]
        fields.String(validate=validate.Length(max=MAX_NAME)), load_default=list,
        validate=validate.Length(max=MAX_EXCLUDE), metadata=_said("SKUs to leave out."),
    )  # fmt: skip


class PhotoSearchSchema(SearchSchema):
    """The same as form fields, with the photo as a file. `filters` and `exclude` are JSON."""

    photo = fields.Raw(
        metadata={"type": "string", "format": "binary", "description": "JPEG, PNG, WebP or GIF, up to 16 MB."}
    )
    filters = fields.String(metadata=_said("JSON of the same shape as in a JSON request."))  # type: ignore[assignment]
    exclude = fields.String(metadata=_said("JSON list of SKUs."))  # type: ignore[assignment]
    crop = fields.String(metadata=_said("JSON list, as in a JSON request."))  # type: ignore[assignment]
    chips = fields.String(metadata=_said("JSON object, as in a JSON request."))  # type: ignore[assignment]
