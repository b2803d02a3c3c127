"""Things that are there, so that requests with an id do not all end at 404: made by the API itself."""

import io
import re

from flask import Flask

from tests.fuzz.requests import Known
from tests.support.pictures import photo

EACH = 4  # half of them may be deleted on the way
LINE = b'{"id": "fuzz-%d", "title": "Red dress", "price": "19.00 USD", "availability": "in_stock"}'


def known(app: Flask, skus: list[str], headers: dict[str, str]) -> Known:
    """Ids of products, pictures, photos, imports and webhooks of the shop whose key the headers bring."""
    client = app.test_client()

    def made(name: str, **sent: object) -> str:
        answer = client.post(f"/api/v1/{name}", headers=headers, **sent)  # type: ignore[arg-type]
        assert answer.status_code in (201, 202), answer.text
        said = answer.get_json()
        return str(said.get("id") or said["photo_id"])

    pictures = re.findall(r"images/([0-9a-f]{64})/(\d+)", client.get(f"/api/v1/products/{skus[0]}").text)
    webhook = {"url": "https://shop.example/told", "events": ["import.failed"]}
    return {
        "sku": skus,
        "sha256": sorted({sha256 for sha256, _ in pictures}),
        "size": sorted({size for _, size in pictures}),
        "photo_id": [made("photos", data={"photo": (io.BytesIO(photo()), "a.jpg")}) for _ in range(EACH)],
        "import_id": [
            made("imports", data=LINE % at, content_type="application/jsonl") for at in range(EACH)
        ],
        "uid": [made("webhooks", json=webhook) for _ in range(EACH)],
    }
