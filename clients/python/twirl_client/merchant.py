"""The client of a shop's own programs: its key is a secret one (twirl keys issue)."""

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, TypeVar, Unpack

import httpx

from twirl_client.client import SearchOptions, Twirl, part
from twirl_client.own import (
    Deliveries,
    Delivery,
    Held,
    Import,
    Imports,
    NewWebhook,
    OwnProduct,
    OwnProducts,
    ResultsPage,
    RowResult,
    Tried,
    Webhook,
    Webhooks,
)

Document = Mapping[str, Any]
Pictures = Mapping[str, bytes]
Missing = Literal["keep", "remove", "remove-even-most"]
Page = TypeVar("Page", OwnProducts, Imports, ResultsPage, Deliveries)


class Merchant(Twirl):
    """All that `Twirl` can do, and the shop's own products, imports and webhooks.

    `pictures` are bytes by file name; where a document names no `images`, they are its images. With an `etag`
    a change is made only to that version: else TwirlRefused with the code "product-changed".
    """

    def search_unpublished(
        self, words: str = "", *, photo: bytes | None = None, **options: Unpack[SearchOptions]
    ) -> Tried:
        """The first places, with what is not published where it would stand. Raises TwirlError."""
        return self._searched(Tried, "search/unpublished", words, photo, options)

    def products(self, *, page: int = 100) -> Iterator[OwnProduct]:
        """Every product in the order of its sku, hidden ones too. Raises TwirlError."""
        for some in self._pages(OwnProducts, "products", limit=page):
            yield from some.products

    def own_product(self, sku: str) -> Held:
        """The product as it may be written, and how far it is. Raises TwirlError."""
        return self._held(self._send("GET", f"products/{part(sku)}"))

    def put_product(
        self, sku: str, document: Document, *, pictures: Pictures | None = None, etag: str | None = None,
        new: bool = False,
    ) -> Held:  # fmt: skip
        """Make it what the document says; `new` refuses where it is there already. Raises TwirlError."""
        condition = {"If-None-Match": "*"} if new else _version(etag)
        return self._written("PUT", sku, document, pictures, condition)

    def patch_product(
        self, sku: str, changes: Document, *, pictures: Pictures | None = None, etag: str | None = None
    ) -> Held:
        """Change what is named, a None taking it out; the rest stays as it is. Raises TwirlError."""
        return self._written("PATCH", sku, changes, pictures, _version(etag))

    def delete_product(self, sku: str, *, etag: str | None = None) -> None:
        """Take it out of the shop for good. Raises TwirlError."""
        self._send("DELETE", f"products/{part(sku)}", headers=_version(etag))

    def start_import(
        self, products: bytes | Iterable[Document], *, missing: Missing = "keep", idempotency_key: str = ""
    ) -> Import:
        """Have many products taken in: documents with their `sku`, or the JSON lines themselves.

        It goes on behind the answer: ask `import_job` how far it is. Sent again under the same key, it is the
        same import. Raises TwirlError.
        """
        lines = products if isinstance(products, bytes) else b"".join(map(_line, products))
        headers = {"Content-Type": "application/jsonl", **_once(idempotency_key)}
        return self._answer(
            Import, "POST", "imports", content=lines, params={"missing": missing}, headers=headers
        )

    def import_job(self, import_id: int) -> Import:
        """One import and how far it is. Raises TwirlError."""
        return self._answer(Import, "GET", f"imports/{import_id}")

    def imports(self) -> Iterator[Import]:
        """The shop's imports, the latest first. Raises TwirlError."""
        for page in self._pages(Imports, "imports"):
            yield from page.imports

    def import_results(self, import_id: int, *, outcome: str = "") -> Iterator[RowResult]:
        """What came of every row, or of those with one outcome. Raises TwirlError."""
        asked = {"outcome": outcome} if outcome else {}
        for page in self._pages(ResultsPage, f"imports/{import_id}/results", **asked):
            yield from page.results

    def webhooks(self) -> tuple[Webhook, ...]:
        """Who is told of events. Raises TwirlError."""
        return self._answer(Webhooks, "GET", "webhooks").webhooks

    def webhook(self, webhook_id: str) -> Webhook:
        """One of them. Raises TwirlError."""
        return self._answer(Webhook, "GET", f"webhooks/{part(webhook_id)}")

    def create_webhook(
        self, url: str, *, events: Iterable[str] = (), name: str = "", idempotency_key: str = ""
    ) -> NewWebhook:
        """Have an address told of these events, or all. Keep the secret for `verify`. Raises TwirlError."""
        said = {"url": url, "events": list(events), "name": name}
        return self._answer(NewWebhook, "POST", "webhooks", json=said, headers=_once(idempotency_key))

    def change_webhook(
        self, webhook_id: str, *, events: Iterable[str] | None = None, enabled: bool | None = None
    ) -> Webhook:
        """Tell it of other events, let it rest, or begin again. Raises TwirlError."""
        said: dict[str, Any] = {} if events is None else {"events": list(events)}
        said |= {} if enabled is None else {"enabled": enabled}
        return self._answer(Webhook, "PATCH", f"webhooks/{part(webhook_id)}", json=said)

    def delete_webhook(self, webhook_id: str) -> None:
        """Tell it of nothing more. Raises TwirlError."""
        self._send("DELETE", f"webhooks/{part(webhook_id)}")

    def try_webhook(self, webhook_id: str, *, idempotency_key: str = "") -> str:
        """Have a message without news sent; its id. Raises TwirlError."""
        path, headers = f"webhooks/{part(webhook_id)}/test", _once(idempotency_key)
        return str(self._json("POST", path, headers=headers)["message_id"])

    def deliveries(self, webhook_id: str) -> Iterator[Delivery]:
        """What became of its messages, the latest first. Raises TwirlError."""
        for page in self._pages(Deliveries, f"webhooks/{part(webhook_id)}/deliveries"):
            yield from page.deliveries

    def _pages(self, kind: type[Page], path: str, **asked: Any) -> Iterator[Page]:
        cursor: str | None = ""
        while cursor is not None:
            page = self._answer(kind, "GET", path, params={**asked, **({"cursor": cursor} if cursor else {})})
            yield page
            cursor = page.next_cursor

    def _written(
        self, method: str, sku: str, said: Document, pictures: Pictures | None, headers: dict[str, str]
    ) -> Held:
        path = f"products/{part(sku)}"
        if not pictures:
            return self._held(self._send(method, path, json=dict(said), headers=headers))
        files = [("images", (name, data)) for name, data in pictures.items()]
        form = {"product": json.dumps(dict(said))}
        return self._held(self._send(method, path, data=form, files=files, headers=headers))

    def _held(self, answer: httpx.Response) -> Held:
        product = self._each(OwnProduct, [answer.json()])[0]
        return Held(product, answer.headers.get("ETag", ""), answer.status_code == 201)


def _line(document: Document) -> bytes:
    return json.dumps(dict(document)).encode() + b"\n"


def _once(key: str) -> dict[str, str]:
    """A key of its own for each call: a request that is sent again by itself is still done once."""
    return {"Idempotency-Key": key or secrets.token_hex(16)}


def _version(etag: str | None) -> dict[str, str]:
    return {"If-Match": etag} if etag else {}
