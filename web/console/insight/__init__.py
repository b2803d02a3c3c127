"""The area of insight: what shoppers asked for, found and chose."""

from flask import Blueprint

blueprint = Blueprint("insight", __name__, url_prefix="/console/<shop>/insight")

from web.console.insight import (  # noqa: E402 - they put their views on the blueprint
    asked,  # noqa: F401
    export,  # noqa: F401
    overview,  # noqa: F401
    seen,  # noqa: F401
)
