"""The area of who is in a shop: its members, what its prices are in, its keys, and what everybody did."""

from flask import Blueprint

blueprint = Blueprint("team", __name__, url_prefix="/console/<shop>/team")

from web.console.team import history, hooks, keys, members, prices  # noqa: E402, F401 - they put their views on the blueprint
