"""The client of a shop's own programs: its key is a secret one (twirl keys issue)."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from twirl_client.client import Twirl, part
from twirl_client.own import Held, OwnProduct, OwnProducts

Document = Mapping[str, Any]
Pictures = Mapping[str, bytes]


class Merchant(Twirl):
    """All that `Twirl` can do, and the shop's own products.

    `pictures` are bytes by file name; where a document names no `images`, they are its images. With an `etag`
    a change is made only to that version: else TwirlRefused with the code "product-changed".
    """

    def products(self, *, page: int = 100) -> Iterator[OwnProduct]:
        """Every product in the order of its sku, hidden ones too. Raises TwirlError."""
        cursor: str | None = ""
        while cursor is not None:
            asked: dict[str, Any] = {"limit": page, **({"cursor": cursor} if cursor else {})}
            some = self._answer(OwnProducts, "GET", "products", params=asked)
            yield from some.products
            cursor = some.next_cursor

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


def _version(etag: str | None) -> dict[str, str]:
    return {"If-Match": etag} if etag else {}
