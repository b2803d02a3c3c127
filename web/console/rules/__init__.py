"""The area of rules: what leads, rises, follows or stays away, and which words mean the same."""

from flask import Blueprint

blueprint = Blueprint("rules", __name__, url_prefix="/console/<shop>/rules")

from web.console.rules import (  # noqa: E402 - they put their views on the blueprint
    document,  # noqa: F401
    editor,  # noqa: F401
    listing,  # noqa: F401
    previewing,  # noqa: F401
    publishing,  # noqa: F401
)
