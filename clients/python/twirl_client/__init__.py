"""A typed client of Twirl's API: search by photo, words, or both."""

from twirl_client.answers import (
    Facet,
    FacetValue,
    Hit,
    Match,
    Picture,
    Piece,
    Price,
    Product,
    Results,
    Suggestion,
    Understood,
    Variant,
    Why,
)
from twirl_client.client import SearchOptions, Twirl
from twirl_client.errors import FieldError, TwirlError, TwirlRefused, TwirlUnreachable

__all__ = [
    "Facet",
    "FacetValue",
    "FieldError",
    "Hit",
    "Match",
    "Picture",
    "Piece",
    "Price",
    "Product",
    "Results",
    "SearchOptions",
    "Suggestion",
    "Twirl",
    "TwirlError",
    "TwirlRefused",
    "TwirlUnreachable",
    "Understood",
    "Variant",
    "Why",
]
