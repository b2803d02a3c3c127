"""A shopper's photo, deleted at once and not only when its time has come."""

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from web.services import services
from web.shop.pagestate import PageState

DELETED = "photo-deleted"  # in an address: the page says so once

blueprint = Blueprint("forgetting", __name__)


@blueprint.post("/forget-photo")
def forget() -> Response:
    """Delete the photo of a search, and answer with the address of the same search without it."""
    state = PageState.lenient(request.form)
    services().photos.delete(state.photo)
    left = state.change(photo="").url()
    return redirect(f"{left}{'&' if '?' in left else '?'}{DELETED}=1", 303)
