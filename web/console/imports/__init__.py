"""The area of imports: a feed from its upload or address to every row's fate, and back again."""

from flask import Blueprint

blueprint = Blueprint("imports", __name__, url_prefix="/console/<shop>/imports")

from web.console.imports import asking, results, schedules, taking_back, view  # noqa: E402, F401 - views
