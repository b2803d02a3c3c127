"""Programs of merchants against the real application: their keys, and answers held to the API's document."""

import json
from pathlib import Path
from typing import Any

import jsonschema
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bootstrap import Services
from catalog.models import Merchant
from catalog.products import ensure_merchant
from catalog.programs.api_keys import SCOPES, issue_key

ROOT = Path(__file__).resolve().parents[2]
EVERY = tuple(SCOPES)


def keyed(services: Services, slug: str, *scopes: str) -> tuple[Merchant, str]:
    """A shop of that name, and a secret key of it."""
    with services.sessions.begin() as session:
        shop = ensure_merchant(session, slug)
        return shop, issue_key(session, shop.id, scopes or EVERY).secret


class Program:
    """One merchant's program: every answer is checked against the document of the API."""

    def __init__(self, client: FlaskClient, key: str = "") -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.document: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text())

    def ask(self, method: str, path: str, **sent: Any) -> TestResponse:
        headers = {**self.headers, **sent.pop("headers", {})}
        answer = self.client.open(f"/api/v1/{path}", method=method, headers=headers, **sent)
        self._conforms(method, path.partition("?")[0], answer)
        return answer

    def get(self, path: str, **sent: Any) -> TestResponse:
        return self.ask("GET", path, **sent)

    def put(self, path: str, **sent: Any) -> TestResponse:
        return self.ask("PUT", path, **sent)

    def patch(self, path: str, **sent: Any) -> TestResponse:
        return self.ask("PATCH", path, **sent)

    def post(self, path: str, **sent: Any) -> TestResponse:
        return self.ask("POST", path, **sent)

    def delete(self, path: str, **sent: Any) -> TestResponse:
        return self.ask("DELETE", path, **sent)

    def _conforms(self, method: str, path: str, answer: TestResponse) -> None:
        """Its status is documented, and its body is of the documented shape."""
        said = self._operation(method, path)
        if said is None:
            return
        responses = said["responses"]
        documented = responses.get(str(answer.status_code))
        if answer.status_code == 304:
            return
        if documented is None:
            assert answer.status_code >= 400 and "default" in responses, (method, path, answer.status_code)
            documented = responses["default"]
        documented = self._resolved(documented)
        content = documented.get("content", {}).get(answer.mimetype)
        if content is None or "schema" not in content:
            assert not answer.data or answer.mimetype == "image/webp", (method, path, answer.mimetype)
            return
        schema = {**content["schema"], "components": self.document["components"]}
        jsonschema.Draft202012Validator(schema).validate(answer.get_json())

    def _operation(self, method: str, path: str) -> Any:
        asked = path.strip("/").split("/")
        for pattern, item in self.document["paths"].items():
            wanted = pattern.removeprefix("/api/v1/").split("/")
            if len(wanted) == len(asked) and all(
                want.startswith("{") or want == ask for want, ask in zip(wanted, asked, strict=True)
            ):
                return item.get(method.lower())
        return None

    def _resolved(self, said: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in said:
            return said
        found: Any = self.document
        for part in said["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return dict(found)
