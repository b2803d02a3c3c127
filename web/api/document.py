"""flask-smorest, with our problems in place of its errors.

python -m web.api.document > docs/openapi.json      # a test compares the two
"""

from http import HTTPStatus

from flask import Response
from flask_smorest import Api  # type: ignore[import-untyped]
from werkzeug.exceptions import HTTPException

from web.api.schemas import ProblemSchema
from web.errors import answer
from web.problems import MEDIA_TYPE


class ShopApi(Api):  # type: ignore[misc]
    """The API object: it answers errors from the one table and documents them as problem+json."""

    ERROR_SCHEMA = ProblemSchema

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Answer an HTTP error as every other error is answered."""
        return answer(error)

    def _register_responses(self) -> None:
        content = {MEDIA_TYPE: {"schema": ProblemSchema}}
        for status in HTTPStatus:
            if status >= HTTPStatus.BAD_REQUEST:
                known = {"description": status.phrase, "content": content}
                self.spec.components.response(status.name, known, lazy=True)
        said = "A secret key of the shop's own programs."
        secret = {"type": "http", "scheme": "bearer", "description": said}
        self.spec.components.security_scheme("secret", secret)
        default = {"description": "Any other problem", "content": content}
        self.spec.components.response("DEFAULT_ERROR", default, lazy=True)
