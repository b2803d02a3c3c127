"""The area of a shop's items: the list, one item, acts on many, and the search as shoppers see it."""

from flask import Blueprint

blueprint = Blueprint("items", __name__, url_prefix="/console/<shop>/items")

from web.console.items import acts, item, listing, mending, pictures, testing  # noqa: E402, F401 - views
