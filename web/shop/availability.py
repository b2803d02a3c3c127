"""Availability as shoppers say it."""

from web.language import noted, say

_AVAILABILITY = {
    "in_stock": noted("In stock"),
    "out_of_stock": noted("Sold out"),
    "preorder": noted("Pre-order"),
    "backorder": noted("Back soon"),
}


def availability(value: str) -> str:
    """Of a product or of a choice; "" for what no feed says."""
    said = _AVAILABILITY.get(value)
    return say(said) if said else ""
