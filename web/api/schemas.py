"""The API's shapes, which are also its documentation."""

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


class SuggestionSchema(Schema):
    """One way to go on typing."""

    kind = fields.String(required=True, metadata=_said("popular, category, brand or product."))
    text = fields.String(required=True, metadata=_said("To be searched as it stands."))


class SuggestionsSchema(Schema):
    """What a shopper may be about to type, the likeliest first."""

    suggestions = fields.List(fields.Nested(SuggestionSchema), required=True)


class PriceSchema(Schema):
    """An amount of money."""

    amount = fields.String(required=True, metadata=_said('In the main unit, such as "49.00".'))
    minor = fields.Integer(required=True, metadata=_said("The same in minor units."))
    currency = fields.String(required=True, metadata=_said("ISO 4217."))


class PictureSchema(Schema):
    """One picture, in three sizes by their longest side."""

    sha256 = fields.String(required=True)
    width = fields.Integer(required=True, metadata=_said("Of the original."))
    height = fields.Integer(required=True)
    url_160 = fields.String(required=True)
    url_480 = fields.String(required=True)
    url_1200 = fields.String(required=True)


class VariantSchema(Schema):
    """One sellable variant of a product."""

    sku = fields.String(required=True)
    colour = fields.String(required=True)
    size = fields.String(required=True)
    availability = fields.String(required=True)
    price = fields.Nested(PriceSchema, required=True, allow_none=True)
    sale_price = fields.Nested(PriceSchema, required=True, allow_none=True)
    image = fields.Nested(PictureSchema, required=True, allow_none=True)


class WhySchema(Schema):
    """One thing asked for, and whether a hit is so."""

    key = fields.String(required=True, metadata=_said("Of one of the answer's `understood`."))
    satisfied = fields.Boolean(required=True, allow_none=True, metadata=_said("null: the shop does not say."))


class HitSchema(VariantSchema):
    """One product of a result, by its best variant and that variant's best picture."""

    item_group_id = fields.String(required=True)
    title = fields.String(required=True)
    brand = fields.String(required=True)
    category = fields.String(required=True)
    link = fields.String(required=True, metadata=_said("The merchant's own page of it."))
    page = fields.String(required=True, metadata=_said("Its page in this storefront."))
    score = fields.Float(required=True, metadata=_said("Falls down the list; comparable within one result."))
    why = fields.List(
        fields.Nested(WhySchema), required=True, metadata=_said("Of each preference, is it so?")
    )
    variants = fields.List(fields.Nested(VariantSchema), required=True, metadata=_said("The other ones."))
    origin = fields.String(
        required=True, metadata=_said('To be sent to /events with what is chosen; "" where none is counted.')
    )


class FacetValueSchema(Schema):
    """One value to filter by."""

    value = fields.String(required=True, metadata=_said("What a filter takes."))
    label = fields.String(required=True)
    count = fields.Integer(required=True, metadata=_said("Products that have it under the other filters."))
    selected = fields.Boolean(required=True)


class FacetSchema(Schema):
    """One field to filter by; the price has `low` and `high` in minor units."""

    field = fields.String(required=True)
    label = fields.String(required=True)
    values = fields.List(fields.Nested(FacetValueSchema), required=True)
    low = fields.Integer(required=True, allow_none=True)
    high = fields.Integer(required=True, allow_none=True)
    steps = fields.List(
        fields.Integer(), required=True, metadata=_said("Products at equal steps from low to high; else [].")
    )


class UnderstoodSchema(Schema):
    """One thing that the words ask for: a facet's value, a trait that texts tell of, or a price."""

    key = fields.String(required=True, metadata=_said('Names it in `chips`: "-pattern=striped".'))
    field = fields.String(required=True)
    label = fields.String(required=True)
    values = fields.List(
        fields.String(), required=True, metadata=_said("What a filter takes; [] for traits.")
    )
    negated = fields.Boolean(required=True, metadata=_said("It is not wanted."))
    low = fields.Integer(required=True, allow_none=True, metadata=_said("Of a price, in minor units."))
    high = fields.Integer(required=True, allow_none=True)
    mode = fields.String(
        required=True, validate=validate.OneOf(MODES),
        metadata=_said("prefer: steers the ranking; must: filters; off: is left out."),
    )  # fmt: skip
    filterable = fields.Boolean(required=True, metadata=_said("Whether it can be a must."))
    currency = fields.String(
        required=True,
        metadata=_said(
            'Of a price in another currency than the shop\'s, such as "under $50" where prices are in euros: '
            "that one (ISO 4217). It is off, and nothing is converted: as a must it has the same figures. "
            'Else "".'
        ),
    )
    typed = fields.String(
        required=True, metadata=_said('What was typed, where that was read as a typo; else "".')
    )
    start = fields.Integer(required=True, metadata=_said("Where it stands in the words."))
    end = fields.Integer(required=True)


class MatchSchema(Schema):
    """How well the shop answers; told of the first page."""

    weak = fields.Boolean(required=True, metadata=_said("Nothing really matches: the nearest are shown."))
    strength = fields.Float(
        required=True,
        allow_none=True,
        metadata=_said("Share of the words that were read, or the first hits' kinship with the photo."),
    )
    unknown_words = fields.List(
        fields.String(), required=True, metadata=_said("Words that no product's text has.")
    )


class ResultsSchema(Schema):
    """One page of a search."""

    hits = fields.List(fields.Nested(HitSchema), required=True)
    total = fields.Integer(required=True, metadata=_said("Products under the filters."))
    mode = fields.String(required=True, validate=validate.OneOf(("browse", "words", "photo", "photo+words")))
    model = fields.String(
        required=True, metadata=_said("Fingerprint of the one model that this whole answer comes from.")
    )
    understood = fields.List(fields.Nested(UnderstoodSchema), required=True)
    match = fields.Nested(MatchSchema, required=True)
    degraded = fields.List(
        fields.String(validate=validate.OneOf(("lexical", "facets"))), required=True,
        metadata=_said(
            "What was left out to answer at all. lexical: by the words as they stand, without the model; "
            "facets: the counts of a moment ago. [] as a rule."
        ),
    )  # fmt: skip
    next_cursor = fields.String(required=True, allow_none=True)
    facets = fields.List(fields.Nested(FacetSchema), required=True)
    timings_ms = fields.Dict(keys=fields.String(), values=fields.Float(), required=True)
    photo_id = fields.String(
        required=True, allow_none=True, metadata=_said("Send it instead of the photo from now on.")
    )


class FacetsSchema(Schema):
    """What can be filtered by."""

    facets = fields.List(fields.Nested(FacetSchema), required=True)


class ProductSchema(HitSchema):
    """Everything about one product."""

    class Meta:
        """A product on its own has no rank."""

        exclude = ("score", "why", "origin")

    description = fields.String(required=True)
    material = fields.String(required=True)
    pattern = fields.String(required=True)
    gender = fields.String(required=True)
    age_group = fields.String(required=True)
    images = fields.List(fields.Nested(PictureSchema), required=True)


class FieldErrorSchema(Schema):
    """One field that cannot be used."""

    field = fields.String(required=True)
    code = fields.String(
        required=True, metadata=_said("What is wrong with it, as feeds say it, or `invalid`.")
    )
    message = fields.String(required=True)


class ProblemSchema(Schema):
    """What went wrong (RFC 9457). Branch on `type` or `code`: they never change."""

    type = fields.String(required=True, metadata={"example": "urn:twirl:problem:image-format"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True)
    fix = fields.String(required=True, metadata=_said("What to do about it."))
    errors = fields.List(fields.Nested(FieldErrorSchema), required=True)
    request_id = fields.String(required=True, metadata=_said("Finds the request in the shop's log."))
