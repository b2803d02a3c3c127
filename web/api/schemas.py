"""What the API answers: shapes that are also its documentation."""

from marshmallow import Schema, fields, validate

from searcher.understanding.chips import MODES


def _said(words: str) -> dict[str, str]:
    return {"description": words}


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
