"""What the API's document says of several views of a merchant."""

from typing import Any

from web.api.catalogue import asked

KEYED: list[dict[str, list[str]]] = [{"secret": []}]
PAGE: list[dict[str, Any]] = [
    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": asked.MOST}},
    {
        "name": "cursor", "in": "query", "schema": {"type": "string"},
        "description": "`next_cursor` of the page before.",
    },
]  # fmt: skip
ONCE: list[dict[str, Any]] = [
    {
        "name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255},
        "description": "The same request under the same key is done once; the first answer is given again.",
    }
]  # fmt: skip
