"""The shapes of webhooks and of imports."""

from marshmallow import Schema, fields, validate

from catalog.importing.tables import OUTCOMES, REQUEST_STATES
from catalog.programs.tables import DELIVERY_STATES
from catalog.programs.webhooks import EVENTS
from web.api.catalogue.schemas import said


class WebhookAskedSchema(Schema):
    """Who is to be told of what."""

    url = fields.String(required=True, metadata=said("https:// on port 443, a public address."))
    events = fields.List(
        fields.String(validate=validate.OneOf(list(EVENTS))), metadata=said("All, where they are left out.")
    )
    name = fields.String(metadata=said("What it is for."))


class WebhookChangeSchema(Schema):
    """What may be changed of a webhook."""

    events = fields.List(fields.String(validate=validate.OneOf(list(EVENTS))))
    enabled = fields.Boolean(
        metadata=said("false lets it rest; true begins again, also with what has waited.")
    )


class WebhookSchema(Schema):
    """A webhook; what has rested says why."""

    id = fields.String(required=True)
    url = fields.String(required=True)
    events = fields.List(fields.String(), required=True)
    name = fields.String(required=True)
    enabled = fields.Boolean(required=True)
    disabled_because = fields.String(required=True)
    created_at = fields.DateTime(required=True)


class NewWebhookSchema(WebhookSchema):
    """A webhook that was made just now."""

    secret = fields.String(required=True, metadata=said("whsec_…, to check signatures by. Shown this once."))


class WebhooksSchema(Schema):
    """A shop's webhooks, the oldest first."""

    webhooks = fields.List(fields.Nested(WebhookSchema), required=True)


class TestMessageSchema(Schema):
    """A message without news is on its way."""

    message_id = fields.String(required=True)


class DeliverySchema(Schema):
    """One message and what became of it."""

    message_id = fields.String(required=True, metadata=said("The `webhook-id` of every try."))
    event = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(DELIVERY_STATES))
    attempts = fields.Integer(required=True)
    status = fields.Integer(required=True, allow_none=True, metadata=said("Of the last answer."))
    error = fields.String(required=True)
    next_attempt_at = fields.DateTime(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)


class DeliveriesSchema(Schema):
    """The latest messages first."""

    deliveries = fields.List(fields.Nested(DeliverySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class CountsSchema(Schema):
    """Rows of an import by what came of them."""

    rows = fields.Integer(required=True)
    created = fields.Integer(required=True)
    updated = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    removed = fields.Integer(required=True, metadata=said("Products that the import does not list."))


class ImportSchema(Schema):
    """An import and how far it is."""

    id = fields.Integer(required=True)
    kind = fields.String(
        required=True, validate=validate.OneOf(("import", "undo")),
        metadata=said("undo: one that takes the last import back."),
    )  # fmt: skip
    state = fields.String(required=True, validate=validate.OneOf(REQUEST_STATES))
    filename = fields.String(required=True)
    counts = fields.Nested(CountsSchema, required=True)
    total = fields.Integer(required=True, metadata=said("Rows in all, about; 0 where that is not known yet."))
    message = fields.String(required=True, metadata=said("Why it failed, or what it left undone."))
    results = fields.String(required=True, metadata=said("Where its rows are."))
    created_at = fields.DateTime(required=True)
    finished_at = fields.DateTime(required=True, allow_none=True)


class ImportsSchema(Schema):
    """The latest imports first."""

    imports = fields.List(fields.Nested(ImportSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class RowErrorSchema(Schema):
    """One thing that is wrong with a row."""

    field = fields.String(required=True)
    code = fields.String(required=True)
    message = fields.String(required=True)


class RowResultSchema(Schema):
    """What came of one row, with the status that a request for it alone would have had."""

    row = fields.Integer(
        required=True, metadata=said("Its line; 0 for a product that the import does not list.")
    )
    sku = fields.String(required=True)
    status = fields.Integer(required=True)
    outcome = fields.String(required=True, validate=validate.OneOf(OUTCOMES))
    errors = fields.List(fields.Nested(RowErrorSchema), required=True)


class ResultsPageSchema(Schema):
    """Rows of an import in their order."""

    results = fields.List(fields.Nested(RowResultSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
