"""Up to four pieces side by side: a tray that goes along in a cookie, and a page whose address names them."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlencode, urlsplit

from flask import Blueprint, g, redirect, render_template, request, url_for
from structlog import get_logger
from werkzeug.wrappers import Response

from catalog.models import Product
from web import origin
from web.language import noted, say
from web.pictures import Shot, shots
from web.problems import http
from web.shop import cards, shelf
from web.shop.availability import availability
from web.shop.pagestate import MAX_NAME, PageState
from web.shop.panel import shown_as

MOST = 4
COOKIE = "compare"  # skus, quoted, with "&" between; gone when the browser closes

log = get_logger("web")

blueprint = Blueprint("compare", __name__)


@dataclass(frozen=True)
class Laid:
    """One piece in the tray."""

    sku: str
    src: str
    title: str


@dataclass(frozen=True)
class Tray:
    """What the shopper has laid aside, in the order of laying; `full` when one more was wanted than fit."""

    pieces: list[Laid]
    full: bool = False

    @property
    def skus(self) -> frozenset[str]:
        """Of the pieces."""
        return frozenset(each.sku for each in self.pieces)

    @property
    def url(self) -> str:
        """The page that shows them side by side."""
        return address([each.sku for each in self.pieces])


@dataclass(frozen=True)
class Column:
    """One piece of the comparison."""

    product: Product
    shot: Shot | None
    price: cards.Price | None
    availability: str
    url: str
    more_url: str
    without_url: str


@dataclass(frozen=True)
class Line:
    """One thing known about the pieces, a text each; `differs` where they are not all alike."""

    label: str
    values: list[str]
    differs: bool


def address(skus: Sequence[str]) -> str:
    """The address of a comparison."""
    return "/compare?" + urlencode([("sku", sku) for sku in skus])


def tray() -> Tray:
    """The shopper's tray; pieces that the shop no longer shows are left out.

    A page is worth showing without it, so a fault leaves it out.
    """
    if "tray" not in g:
        try:
            g.tray = Tray(_laid(_in_cookie()))
        except Exception as error:  # said in the log; the page itself will meet the same fault if it matters
            log.warning("tray", cause=repr(error))
            g.tray = Tray([])
    found: Tray = g.tray
    return found


@blueprint.get("/compare")
def compare() -> str:
    """The pieces that the address names, side by side."""
    skus = list(dict.fromkeys(sku for sku in request.args.getlist("sku") if sku))[:MOST]
    products = shelf.several(skus)
    if skus and not products:
        raise http(
            404, noted("These pieces are no longer in the shop."), noted("Lay others aside to compare them.")
        )
    columns = [_column(each, products) for each in products]
    return render_template("compare.html", columns=columns, lines=_lines(products))


@blueprint.post("/compare/tray")
def change() -> Response | str:
    """Lay a piece aside or take one off; then back to where the shopper was, or only the tray (`part`)."""
    origin.note_chosen(request.args.get(origin.NAME, ""), [request.form.get("add", "")], "compare")
    skus, full = _changed([each.sku for each in tray().pieces], request.form)
    g.tray = Tray(_laid(skus), full)
    if request.form.get("part"):
        response = Response(render_template("_tray.html"), mimetype="text/html")
    else:
        response = redirect(_back(request.form.get("back", "")), 303)
    _remember(response, [each.sku for each in g.tray.pieces])
    return response


def _changed(skus: list[str], form: "dict[str, str]") -> tuple[list[str], bool]:
    """The tray after one button, and whether a piece found no room."""
    if form.get("clear"):
        return [], False
    if off := form.get("remove", ""):
        return [sku for sku in skus if sku != off], False
    wanted = form.get("add", "")
    if not wanted or wanted in skus:
        return [sku for sku in skus if sku != wanted], False  # pressed again: taken off
    return (skus, True) if len(skus) >= MOST else ([*skus, wanted], False)


def _remember(response: Response, skus: Sequence[str]) -> None:
    kept = "&".join(quote(sku, safe="") for sku in skus)
    response.set_cookie(COOKIE, kept, httponly=True, samesite="Lax", secure=request.is_secure)


def _in_cookie() -> list[str]:
    given = request.cookies.get(COOKIE, "")[: MOST * MAX_NAME * 3]
    return [unquote(part) for part in given.split("&") if part][:MOST]


def _laid(skus: Sequence[str]) -> list[Laid]:
    known = shelf.titled(skus) if skus else {}
    return [Laid(sku, *known[sku]) for sku in dict.fromkeys(skus) if sku in known]


def _back(path: str) -> str:
    """A page of this shop: a path and nothing that could lead elsewhere."""
    parts = urlsplit(path)
    away = parts.scheme or parts.netloc or path.startswith(("//", "/\\"))
    return path if path.startswith("/") and not away else "/"


def _column(product: Product, beside: Sequence[Product]) -> Column:
    pictures = shots(product)
    return Column(
        product=product,
        shot=pictures[0] if pictures else None,
        price=cards.price_of(product),
        availability=availability(product.availability),
        url=url_for("storefront.product", sku=product.sku),
        more_url=PageState(like=product.sku).url(),
        without_url=address([each.sku for each in beside if each.id != product.id]),
    )


def _lines(products: Sequence[Product]) -> list[Line]:
    """What is known of at least one of them."""
    known = {
        say("Brand"): [each.brand for each in products],
        say("Kind"): [each.category.split(">")[-1].strip() for each in products],
        say("Colour"): [each.colour for each in products],
        say("Pattern"): [each.pattern for each in products],
        say("Material"): [each.material for each in products],
        say("Size"): [shown_as("size", each.size, each.size) for each in products],
        say("For"): [shown_as("gender", each.gender, each.gender) for each in products],
    }
    return [
        Line(label, values, len({value.casefold() for value in values}) > 1)
        for label, values in known.items()
        if any(values)
    ]
