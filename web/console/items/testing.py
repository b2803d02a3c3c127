"""The search as a shopper sees it, with what is not published yet, and why each stands where it does."""

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from catalog.pictures.decoder import ImageRefused
from searcher.errors import QueryRefused, SearchUnavailable
from searcher.query import SearchQuery
from web import money
from web.console.access import needs, shop, takes
from web.console.items import blueprint
from web.console.items.showing import STATES, address
from web.trying import lines, tried
from web.uploads import keep_photo, uploaded

PLACES = 24
PARTS = {
    "likeness": "likeness", "words": "its words", "meaning": "their meaning", "all": "has all that was asked",
    "kind": "of the kind", "sku": "its SKU", "title": "its title", "brand": "its brand", "boost": "boost",
    "deeper": "further down",
}  # fmt: skip


@blueprint.get("/test")
@needs("viewer")
def tested() -> str:
    """The first places of a search by words, a photo that was added before, or both."""
    return _page(_words(), request.args.get("photo", "")[:64], "")


@blueprint.post("/test")
@needs("viewer")
@takes(megabytes=17)
def asked() -> Response | tuple[str, int]:
    """Search by the words, and by a photo: a new one, kept for a day as a shopper's is, or the kept one."""
    words, kept = " ".join(request.form.get("q", "").split())[:500], request.form.get("kept", "")[:64]
    try:
        data = uploaded("photo")
        photo = keep_photo(data) if data is not None else kept
    except ImageRefused as refused:
        return _page(words, kept, f"{refused.message} {refused.fix}"), 422
    return redirect(url_for("items.tested", q=words or None, photo=photo or None), 303)


def _words() -> str:
    return " ".join(request.args.get("q", "").replace("\0", "").split())


def _page(words: str, photo: str, amiss: str) -> str:
    found = None
    if (words or photo) and not amiss:
        try:
            found = tried(
                SearchQuery(
                    shop().id, words=words, photo_id=photo, limit=PLACES, facets=False,
                    currency=shop().currency, currency_digits=money.digits(shop().currency),
                )
            )  # fmt: skip
        except (QueryRefused, SearchUnavailable) as error:
            amiss = str(error)
    return render_template(
        "console/items_test.html", words=words, photo=photo, amiss=amiss, found=found,
        lines=lines(found) if found else [], part_names=PARTS, states=STATES, address=address,
    )  # fmt: skip
