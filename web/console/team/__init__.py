"""The area of who is in a shop: its members, its keys, and what everybody did."""

from flask import Blueprint

blueprint = Blueprint("team", __name__, url_prefix="/console/<shop>/team")

from web.console.team import history, hooks, keys, members  # noqa: E402, F401 - they put their views on the blueprint
