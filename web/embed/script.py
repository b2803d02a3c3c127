"""`/embed.js`: the one script that pages of other sites load, always at the same address."""

import hashlib
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as BaseResponse

SCRIPT = Path(__file__).with_name("embed.js")
KEPT_S = 300  # by browsers, before they ask whether it has changed

blueprint = Blueprint("embed", __name__)


@lru_cache(maxsize=1)
def _script() -> tuple[bytes, str]:
    content = SCRIPT.read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:32]


@blueprint.get("/embed.js")
def embed() -> BaseResponse:
    """The script; what it does is said in docs/embed.md."""
    content, etag = _script()
    response = Response(content, mimetype="text/javascript")
    response.set_etag(etag)
    response.headers["Cache-Control"] = f"public, max-age={KEPT_S}"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response.make_conditional(request)
