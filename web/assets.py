"""Scripts, styles and fonts, under an address that holds the hash of their bytes.

`/assets/<digest>/shop.js`: one digest for the whole folder, so that what a script imports and what a style
sheet names, by a relative address, is as immutable as the file itself. See ADR 0061.
"""

import hashlib
from pathlib import Path

from flask import Blueprint, Flask, Response, current_app, send_from_directory, url_for

STATIC = Path(__file__).with_name("static")
YEAR_S = 31_536_000

blueprint = Blueprint("assets", __name__)


def digest(folder: Path = STATIC) -> str:
    """A hash of the names and bytes of every file under a folder."""
    seen = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        seen.update(path.relative_to(folder).as_posix().encode() + b"\0")
        seen.update(hashlib.sha256(path.read_bytes()).digest())
    return seen.hexdigest()[:16]


def register(app: Flask) -> None:
    """Serve the folder and give templates `asset(name)`."""
    current = digest()
    app.config["ASSETS_DIGEST"] = current
    app.register_blueprint(blueprint)
    app.jinja_env.globals["asset"] = lambda name: url_for("assets.asset", version=current, name=name)


@blueprint.get("/assets/<version>/<path:name>")
def asset(version: str, name: str) -> Response:
    """One file. An address with another digest still answers, but is not kept: it may change."""
    current = version == current_app.config["ASSETS_DIGEST"]
    response = send_from_directory(STATIC, name, max_age=YEAR_S if current else 0)
    if current:
        response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
    return response


@blueprint.get("/favicon.ico")
def favicon() -> Response:
    """The mark, for browsers that ask without reading the page."""
    return send_from_directory(STATIC, "mark.svg", max_age=86_400)
