"""Acts on chosen items or on all that a filter leaves: counted before, told after."""

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from catalog.items.acts import Act, Acted, act_on, act_on_matching
from catalog.items.listing import ItemFilter, count_matching
from catalog.models import AVAILABILITIES, Product
from web.console.access import audit, needs, shop
from web.console.items import blueprint
from web.console.items.listing import asked
from web.console.items.showing import ACTS, AVAILABLE, items
from web.console.numbers import number
from web.problems import Problem, Refused
from web.services import services

MOST_CHOSEN = 500


@dataclass(frozen=True)
class _Asked:
    """What a form asks for: an act on these ids, or on all that the filter leaves."""

    act: Act
    ids: tuple[int, ...]
    wanted: ItemFilter | None
    below: int | None = None

    @property
    def name(self) -> str:
        """The act in words."""
        name = ACTS[self.act.name][0]
        return f"{name}: {AVAILABLE[self.act.value]}" if self.act.value else name


@blueprint.post("/acts")
@needs("editor")
def confirm() -> str | Response:
    """Say how many items it is about, and ask."""
    wish = _asked()
    if wish.wanted is None:
        count = len(wish.ids)
    else:
        with services().sessions() as session:
            count = count_matching(session, shop().id, wish.wanted)
    if not count:
        flash("No item was chosen. Tick some, or choose all that match.", "bad")
        return redirect(_list(wish), 303)
    return render_template("console/items_act.html", wish=wish, count=count, said=_said(wish), done=None)


@blueprint.post("/acts/run")
@needs("editor")
def run() -> str | Response:
    """Do it; what a request has no time for is gone on with from the next page."""
    wish = _asked()
    if wish.wanted is None and not wish.ids:
        flash("No item was chosen. Tick some.", "bad")
        return redirect(url_for("items.deleted") if wish.act.name == "undelete" else _list(wish), 303)
    sessions, here = services().sessions, shop().id
    if wish.wanted is None:
        acted = act_on(sessions, here, wish.act, wish.ids)
    else:
        acted = act_on_matching(sessions, here, wish.act, wish.wanted, wish.below)
    if acted.changed:
        services().doorbell.ring(wish.ids)
        audit(f"items.{wish.act.name}", items(acted.changed), **_details(wish))
    if acted.below is not None:
        return render_template("console/items_act.html", wish=wish, count=None, said=_said(wish), done=acted)
    flash(_told(wish, acted))
    return redirect(_onward(wish), 303)


def _asked() -> _Asked:
    form = request.form
    value = form.get("availability_to", "") if form.get("act") == "availability" else ""
    if form.get("act") not in ACTS or (form.get("act") == "availability" and value not in AVAILABILITIES):
        raise Refused(Problem(422, "unknown-act", "That cannot be done to items.", "Choose from the list."))
    act = Act(form["act"], value)
    if form.get("scope") == "matching":
        return _Asked(act, (), asked(form), number(form.get("from", "")))
    ids = [each for text in form.getlist("id")[:MOST_CHOSEN] if (each := number(text)) is not None]
    return _Asked(act, tuple(dict.fromkeys(ids)), None)


def _said(wish: _Asked) -> dict[str, str]:
    return asked(request.form).said() if wish.wanted is None else wish.wanted.said()


def _details(wish: _Asked) -> dict[str, object]:
    """What the history says of an act besides how many items it changed: which, by the shop's own ids."""
    value: dict[str, object] = {"value": wish.act.value} if wish.act.value else {}
    if wish.wanted is not None:
        return {**value, "matching": wish.wanted.said()}
    mine = Product.merchant_id == shop().id, Product.id.in_(wish.ids[:20])
    with services().sessions() as session:
        return {
            **value,
            "items": list(session.scalars(select(Product.sku).where(*mine).order_by(Product.id))),
        }


def _told(wish: _Asked, acted: Acted) -> str:
    told = f"{items(acted.changed)} {ACTS[wish.act.name][1]}."
    if acted.same:
        told += f" {items(acted.same)} needed nothing."
    if wish.act.name == "delete":
        told += " If a feed lists them again, they come back: hide what is to stay out."
    return told


def _list(wish: _Asked) -> str:
    return f"{url_for('items.index')}?{urlencode(_said(wish))}"


def _onward(wish: _Asked) -> str:
    if wish.act.name == "delete":
        return url_for("items.deleted")
    if request.form.get("back") == "item" and len(wish.ids) == 1:
        return url_for("items.page", item_id=wish.ids[0])
    return _list(wish)
