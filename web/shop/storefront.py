"""The shop's pages: search, product. Each view reads the request, makes its call, and hands over."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from structlog import get_logger
from werkzeug.wrappers import Response

from catalog.models import Product
from searcher.errors import SearchUnavailable
from searcher.filters import Filters
from searcher.looks.look import Piece
from searcher.results import Likeness, Results
from web import observing, origin
from web.language import say
from web.pictures import shots
from web.services import merchant, services
from web.shop import cards, details, gallery, markup, panel, shelf, shortened, wording
from web.shop import understood as reading
from web.shop.forgetting import DELETED
from web.shop.forms import search_query
from web.shop.pagestate import BROWSING_SORTS, SORTS, PageState
from web.shop.pieces import pieces
from web.shop.steps import trail
from web.uploads import is_link, keep_photo, linked, uploaded

SIMILAR = 6
PHOTO_FIELDS = ("photo_file", "photo_camera")

log = get_logger("web")

blueprint = Blueprint("storefront", __name__)


@dataclass(frozen=True)
class Reference:
    """The picture that leads a search, as the search bar shows it."""

    kind: str  # "photo" or "product"
    src: str
    title: str
    product: Product | None = None


@blueprint.get("/")
def home() -> str:
    """The first page and every search: what is asked is in the address."""
    state = PageState.parse(request.args)
    shop = merchant()
    if state.like:
        origin.note_chosen(request.args.get(origin.NAME, ""), [state.like], "similar")
    results = observing.search(search_query(state, shop.id, shop.currency))
    return render_template("search.html", **_search_page(state, results))


@blueprint.post("/search")
def search() -> Response:
    """Take a photo and words, keep the photo, and answer with the address of the search."""
    state = PageState.parse(request.form).change()
    data = next((data for name in PHOTO_FIELDS if (data := uploaded(name)) is not None), None)
    if data is None and is_link(state.q):
        state, data = state.change(q=""), linked(state.q)
    if data is not None:
        state = state.change(photo=keep_photo(data), like="")
    return redirect(state.url(), 303)


@blueprint.get("/p/<path:sku>")
def product(sku: str) -> str:
    """One product: pictures, variants, details, and more like it."""
    found = shelf.product(sku)
    similar = _similar(found)
    asked, variants = PageState(like=found.sku), shelf.variants(found)
    skus = [found.sku, *(variant.sku for variant in variants)]
    origin.note_chosen(request.args.get(origin.NAME, ""), skus, "open")
    page = details.page(found, variants, request.host)
    return render_template(
        "product.html",
        model=similar.model,
        state=asked,
        reference=_of_product(found),
        product=found,
        page=page,
        look=[(cards.card(piece.hit, asked), piece.because) for piece in _look(found)],
        similar=[cards.card(hit, asked) for hit in similar.hits],
        markup=markup.product(
            found, variants, " ".join(page.paragraphs), page.crumbs, request.url_root.rstrip("/")
        ),
    )


def _similar(found: Product) -> Likeness:
    """More like it; the page is worth showing without them while search is away."""
    try:
        return services().searcher.similar(found.merchant_id, found.sku, SIMILAR)
    except SearchUnavailable:
        return Likeness([], model="")


def _look(found: Product) -> list[Piece]:
    """What goes with it; the page is worth showing without it while search is away."""
    try:
        return services().searcher.look(found.merchant_id, found.sku)
    except SearchUnavailable:
        return []


def departments() -> list[panel.Department]:
    """The links of the masthead. A page is worth showing without them, so a fault leaves them out."""
    try:
        return panel.departments(services().searcher.facets(merchant().id, Filters()))
    except Exception as error:  # said in the log; the page itself will meet the same fault if it matters
        log.warning("departments", cause=repr(error))
        return []


def _search_page(state: PageState, results: Results) -> dict[str, Any]:
    reference = _reference(state)
    currency = merchant().currency
    chips = panel.chips(results.facets, state, currency)
    labels = [chip.label for chip in chips]
    wishes = reading.understood(results.wishes, state, currency)
    said, word = reading.labels(wishes), origin.of(results).of
    # The picture in the bar shows which piece; who does not see it is told the name.
    spoken = wording.heading(state, reference.title if reference else "", labels)
    counted = wording.count(state, results.total, reading.lacking(results, state), results.match.weak)
    return {
        "state": state,
        "model": results.model,
        "welcome": state.first_page,
        "reference": reference,
        "heading": wording.heading(state, say("this piece"), labels),
        "title": spoken,
        "announcement": wording.announcement(spoken, counted, bool(results.hits)),
        "cards": [
            cards.card(hit, state, said, word(at, hit.product.sku)) for at, hit in enumerate(results.hits)
        ],
        "pieces": pieces(state),
        "wishes": wishes,
        "trail": trail(state),
        "counted": counted,
        "photo_deleted": DELETED in request.args,
        "shortened": shortened.said(results.degraded),
        "weak": results.match.weak,
        "unknown": ", ".join(say("“%(words)s”", words=word) for word in results.match.unknown),
        "more_url": state.change(cursor=results.next_cursor).url() if results.next_cursor else "",
        "categories": panel.categories(results.facets, state),
        "groups": panel.groups(results.facets, state),
        "price": panel.price_range(results.facets, state, currency),
        "chips": chips,
        "balanced": wording.balance(state.balance),
        "prompts": panel.prompts(results.facets, state, reference.product) if reference else [],
        "examples": [] if not state.first_page else gallery.examples(results.hits),
        "sorts": {value: say(name) for value, name in _sorts(state).items()},
    }


def _sorts(state: PageState) -> dict[str, str]:
    return SORTS if state.q or state.has_reference else BROWSING_SORTS


def _reference(state: PageState) -> Reference | None:
    if state.like:
        return _of_product(shelf.product(state.like))
    if state.photo:
        return Reference("photo", url_for("pictures.photo", photo_id=state.photo), say("Your photo"))
    return None


def _of_product(found: Product) -> Reference:
    pictures = shots(found)
    src = pictures[0].url(160) if pictures else ""
    return Reference("product", src, found.title, found)
