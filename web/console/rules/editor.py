"""The form of one rule: find the items, say where it holds and when. What cannot be read is not kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from catalog.models import Product
from catalog.picking import named, pick
from searcher.filters import FACET_FIELDS
from searcher.merchandising.drafting import find, replaced
from searcher.merchandising.reading import RulesRefused, read_rulebook
from searcher.merchandising.rulebook import DEEDS
from web.console.access import needs, shop
from web.console.rules import blueprint
from web.console.rules.book import Book, book, keep, mistakes
from web.console.rules.form import WHAT_FACETS, WHEN_FACETS, RuleForm, others
from web.console.rules.listing import gone
from web.console.rules.telling import ASKED, FACETS
from web.console.rules.telling import DEEDS as SAID
from web.pictures import shots
from web.services import services

OFFERED = 24  # values of one facet that can be ticked


@dataclass(frozen=True)
class Choice:
    """One facet in the form: values to tick, and the others that are written besides."""

    field: str
    label: str
    values: list[tuple[str, bool]]
    more: str

    @property
    def chosen(self) -> int:
        """How many values are chosen."""
        return sum(ticked for _, ticked in self.values) + len(self.more.splitlines())


@dataclass(frozen=True)
class Item:
    """One item that a rule names, or may name."""

    sku: str
    title: str
    src: str


@blueprint.get("/new")
@needs("editor")
def new() -> str:
    """An empty form, or one begun from elsewhere: `?words=kimono`, `?do=pin`."""
    deed = request.args.get("do", "")
    words = " ".join(request.args.get("words", "").replace("\0", "").split())[:200]
    return _page(RuleForm(deed=deed if deed in DEEDS else "pin", words=words), "")


@blueprint.get("/<name>/edit")
@needs("editor")
def edit(name: str) -> str:
    """The form of a rule."""
    return _page(RuleForm.of(_rule(book(), name), shop().currency), name)


@blueprint.post("/edit")
@needs("editor")
def save() -> Response | str | tuple[str, int]:
    """Put the rule into the draft; or, with `find`, look for items and show the form again."""
    here, name = book(), request.form.get("rule", "")
    if name:
        _rule(here, name)
    form = RuleForm.sent(request.form)
    if "find" in request.form:
        return _page(form, name, looked_for=request.form.get("look_for", ""))
    try:
        rule = form.rule(shop().currency)
        read_rulebook({"rules": [rule]})
        keep(replaced(here.content, "rules", name, rule), here, f"rule {rule.get('name', '')}".strip())
    except RulesRefused as error:
        return _page(form, name, wrong=mistakes(error)), 422
    except ValueError as error:
        return _page(form, name, wrong=[str(error)]), 422
    flash("The rule is in your draft. Preview it, then publish.")
    return redirect(url_for("rules.index", _anchor="rules"), 303)


def _rule(here: Book, name: str) -> Mapping[str, Any]:
    at = find(here.content, "rules", name)
    if at is None:
        raise gone()
    found: Mapping[str, Any] = here.content["rules"][at]
    return found


def _page(form: RuleForm, name: str, wrong: list[str] | None = None, looked_for: str | None = None) -> str:
    with services().sessions() as session:
        chosen = named(session, shop().id, form.skus)
        found = pick(session, shop().id, looked_for) if looked_for else []
    items = [_item(sku, chosen.get(sku.lower())) for sku in form.skus]
    offered = [_item(each.sku, each) for each in found if each.sku not in form.skus]
    values = _values()
    return render_template(
        "console/rule.html",
        form=form, name=name, wrong=wrong or [], deeds=SAID, asked=ASKED, items=items, found=offered,
        looked_for=looked_for,
        what=[_choice(field, form.what.get(field, []), values) for field in WHAT_FACETS],
        without=[_choice(field, form.without.get(field, []), values) for field in WHAT_FACETS],
        when=[_choice(field, form.when.get(field, []), values) for field in WHEN_FACETS],
    )  # fmt: skip


def _values() -> dict[str, list[str]]:
    """Of each facet what the shop has most of."""
    facets = {each.field: each.values for each in services().searcher.facets(shop().id)}
    return {
        name: [value.label for value in sorted(facets[name], key=lambda each: -each.count)[:OFFERED]]
        for name in FACET_FIELDS
        if name in facets
    }


def _choice(field: str, chosen: list[str], values: Mapping[str, list[str]]) -> Choice:
    offered = values.get(field, [])
    ticked = {each.casefold() for each in chosen}
    boxes = [(value, value.casefold() in ticked) for value in offered]
    return Choice(field, FACETS[field].capitalize(), boxes, others(chosen, offered))


def _item(sku: str, product: Product | None) -> Item:
    if product is None:
        return Item(sku, f"{sku} (not in the shop now)", "")
    return Item(sku, product.title, thumbnail(product))


def thumbnail(product: Product) -> str:
    """The address of its front picture; "" where it has none to show."""
    pictures = shots(product)
    if not pictures:
        return ""
    return url_for("pictures.picture", sha256=pictures[0].sha256, size=160, shop=shop().slug)
