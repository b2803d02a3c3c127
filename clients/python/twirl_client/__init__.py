"""A typed client of Twirl's API: search by photo, words, or both; and a merchant's own products."""

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
from twirl_client.merchant import Merchant
from twirl_client.own import Held, OwnPicture, OwnProduct, OwnProducts
from twirl_client.webhooks import Event, WebhookInvalid, verify

__all__ = [
    "Event",
    "Facet",
    "FacetValue",
    "FieldError",
    "Held",
    "Hit",
    "Match",
    "Merchant",
    "OwnPicture",
    "OwnProduct",
    "OwnProducts",
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
    "WebhookInvalid",
    "Why",
    "verify",
]
