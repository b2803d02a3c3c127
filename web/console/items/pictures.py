"""The pictures of an item: replaced, added, moved, taken out. What is sent goes through the decoder first."""

from collections.abc import Callable

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from catalog.items.editing import ItemGone, ItemOvertaken
from catalog.items.pictures import PicturesRefused, Shown, arrange_pictures, shown
from catalog.pictures.decoder import ImageRefused
from web.console.access import audit, change, needs, shop, takes
from web.console.items import blueprint
from web.console.items.item import gone_away, item_page, required
from web.console.numbers import number
from web.problems import Problem, Refused
from web.services import services
from web.uploads import uploaded

Order = list[Shown]


@blueprint.post("/<int:item_id>/pictures")
@needs("editor")
@takes(megabytes=17)
def pictures(item_id: int) -> Response | tuple[str, int]:
    """One step: `do` says which, `picture` to which picture."""
    item = required(item_id)
    do, rev = request.form.get("do", ""), number(request.form.get("rev", "")) or 0
    if do not in _STEPS:
        raise Refused(
            Problem(422, "unknown-act", "That cannot be done to pictures.", "Use the page's buttons.")
        )
    try:
        new = _kept() if do in ("add", "replace") else None
        order = _STEPS[do](shown(item.images), number(request.form.get("picture", "")), new)
        with change() as session:
            keep = request.form.get("keep") == "images"
            arrange_pictures(session, shop().id, item_id, rev, order, keep)
            audit(f"item.picture-{do}", item.product.sku)
    except ItemGone as gone:
        raise gone_away() from gone
    except ItemOvertaken:
        wrong = "Somebody else has changed this item meanwhile, so its pictures were left as they are. "
        return item_page(item_id, wrong=wrong + "Look at them and try again."), 409
    except (ImageRefused, PicturesRefused) as refused:
        return item_page(item_id, wrong=f"{refused.message} {refused.fix}"), 422
    services().doorbell.ring([item_id])
    flash("The pictures are saved, and indexed in a moment.")
    return redirect(url_for("items.page", item_id=item_id, _anchor="pictures"), 303)


def _kept() -> Shown:
    """The uploaded picture, decoded to see that it is one, its bytes kept. Raises ImageRefused."""
    data = uploaded("file")
    if data is None:
        raise PicturesRefused("picture-missing", "No picture was chosen.", "Choose a file first.")
    services().decoder.decode(data)
    return Shown(source=f"incoming:{services().incoming.put(data)}")


def _at(order: Order, picture: int | None) -> int:
    for place, each in enumerate(order):
        if each.image_id == picture:
            return place
    raise PicturesRefused("picture-gone", "This picture is gone.", "Open the item again.")


def _add(order: Order, _picture: int | None, new: Shown | None) -> Order:
    return [*order, *([new] if new else [])]


def _replace(order: Order, picture: int | None, new: Shown | None) -> Order:
    at = _at(order, picture)
    return [*order[:at], *([new] if new else []), *order[at + 1 :]]


def _remove(order: Order, picture: int | None, _new: Shown | None) -> Order:
    at = _at(order, picture)
    return [*order[:at], *order[at + 1 :]]


def _moved(by: int) -> Callable[[Order, int | None, Shown | None], Order]:
    def move(order: Order, picture: int | None, _new: Shown | None) -> Order:
        at = _at(order, picture)
        rest = [*order[:at], *order[at + 1 :]]
        to = max(0, min(len(rest), at + by))
        return [*rest[:to], order[at], *rest[to:]]

    return move


_STEPS: dict[str, Callable[[Order, int | None, Shown | None], Order]] = {
    "add": _add, "replace": _replace, "remove": _remove, "earlier": _moved(-1), "later": _moved(1),
    "first": _moved(-99),
}  # fmt: skip
