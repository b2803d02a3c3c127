"""The same search side by side: now, and with the draft."""

from dataclasses import dataclass

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from catalog.pictures.decoder import ImageRefused
from searcher.errors import SearchError
from searcher.merchandising.preview import Placed, Preview, preview
from searcher.merchandising.reading import read_rulebook
from searcher.query import SearchQuery
from web import money
from web.console.access import needs, shop, takes
from web.console.rules import blueprint
from web.console.rules.book import book
from web.console.rules.editor import thumbnail
from web.services import services
from web.uploads import keep_photo, uploaded

PLACES = 24


@dataclass(frozen=True)
class Line:
    """One place of one side, and what becomes of it on the other."""

    place: int
    sku: str
    title: str
    src: str
    note: str  # "" where it stays
    kind: str  # "up", "down", "new", "gone" or ""


@blueprint.get("/preview")
@needs("viewer")
def tried() -> str:
    """Compare a search by words, a photo that was added before, an item, or any mix; nothing browses."""
    return _page()


@blueprint.post("/preview")
@needs("viewer")
@takes(megabytes=17)
def try_photo() -> Response | tuple[str, int]:
    """Keep a photo for a day, as a shopper's is, and compare a search with it."""
    asked = {name: request.form.get(name, "") for name in ("q", "like")}
    try:
        data = uploaded("photo")
        photo = keep_photo(data) if data is not None else ""
    except ImageRefused as refused:
        return _page(f"{refused.message} {refused.fix}"), 422
    return redirect(url_for("rules.tried", q=asked["q"], like=asked["like"], photo=photo), 303)


def _page(wrong: str = "") -> str:
    here = book()
    words = " ".join(request.values.get("q", "").replace("\0", "").split())
    like = request.values.get("like", "").replace("\0", "").strip()[:100]
    photo = request.args.get("photo", "")[:64]
    found: Preview | None = None
    if not wrong:
        try:
            query = SearchQuery(
                shop().id, words, photo_id=photo, reference=like, limit=PLACES, facets=False,
                currency=shop().currency, currency_digits=money.digits(shop().currency),
            )  # fmt: skip
            found = preview(services().searcher, query, read_rulebook(here.content))
        except SearchError as error:
            wrong = str(error)
    return render_template(
        "console/rules_preview.html",
        book=here, words=words, like=like, photo=photo, found=found, wrong=wrong,
        now=[_line(each, now=True) for each in found.now] if found else [],
        draft=[_line(each, now=False) for each in found.draft] if found else [],
        acting=[rule.name for rule in found.found.rules] if found else [],
    )  # fmt: skip


def _line(placed: Placed, now: bool) -> Line:
    product = placed.hit.product
    kind, note = _moved(placed, now)
    return Line(placed.place, product.sku, product.title, thumbnail(product), note, kind)


def _moved(placed: Placed, now: bool) -> tuple[str, str]:
    if not placed.moved:
        return "", ""
    if placed.other is None:
        return ("gone", "goes out of sight") if now else ("new", "comes in")
    before, after = (placed.place, placed.other) if now else (placed.other, placed.place)
    verb = "goes" if now else "comes"
    return ("up" if after < before else "down"), (
        f"{verb} {'up' if after < before else 'down'} {'to ' + str(after) if now else 'from ' + str(before)}"
    )
