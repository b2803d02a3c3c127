"""The list of rules and synonyms, and what is done to one of them there."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from catalog.models import Product
from catalog.picking import named
from catalog.rulebooks import RulebookVersion
from searcher.merchandising.drafting import find, moved, name_of, replaced
from searcher.merchandising.reading import RulesRefused
from web.console.access import may, needs, shop
from web.console.rules import blueprint
from web.console.rules.book import Book, book, keep, mistakes
from web.console.rules.telling import skus_in, told
from web.problems import http
from web.services import services


@blueprint.get("/")
@needs("viewer")
def index() -> str:
    """What is in force, or this person's draft."""
    return page(book())


def page(here: Book, wrong: list[str] | None = None, group: str = "", changed: str = "") -> str:
    """The list; `group` are the words of a group of synonyms that could not be kept."""
    titles = titles_of(products_of(here.content))
    names = [{"name": name_of(each), "words": each} for each in here.content.get("synonyms", ())]
    return render_template(
        "console/rules.html",
        book=here,
        rules=told(here.content, titles),
        unpublished=here.unpublished,
        synonyms=names,
        wrong=wrong or [],
        group=group,
        changed=changed,
        drafting=may("editor"),
        by=by,
    )


def by(version: RulebookVersion) -> str:
    """Who published a version, in words."""
    return version.author or ("nobody" if version.version == 0 else "the command")


def products_of(content: dict[str, Any]) -> dict[str, Product]:
    """The products that a rulebook names, by sku in lower case."""
    with services().sessions() as session:
        return named(session, shop().id, skus_in(content))


def titles_of(products: dict[str, Product]) -> dict[str, str]:
    """Their titles."""
    return {sku: product.title for sku, product in products.items()}


@blueprint.post("/<name>/<any(up, down, remove, on, off):act>")
@needs("editor")
def act(name: str, act: str) -> Response:
    """Move a rule, take it out, or switch it on or off: in the draft."""
    here = book()
    at = find(here.content, "rules", name)
    if at is None:
        raise gone()
    said = here.content["rules"][at]
    if act in ("up", "down"):
        content = moved(here.content, "rules", name, -1 if act == "up" else 1)
    elif act == "remove":
        content = replaced(here.content, "rules", name, None)
    else:
        rest = {part: value for part, value in said.items() if part != "on"}
        content = replaced(here.content, "rules", name, rest if act == "on" else {**rest, "on": False})
    keep(content, here, f"{act} {said.get('name', '')}".strip())
    return redirect(url_for("rules.index", _anchor="rules"), 303)


@blueprint.post("/synonyms")
@needs("editor")
def synonyms() -> Response | tuple[str, int]:
    """Add a group of synonyms, or put other words in place of one: in the draft."""
    here, given = book(), request.form.get("words", "")
    words = [" ".join(each.split()) for each in given.replace("\n", ",").split(",") if each.strip()]
    name = request.form.get("name", "")
    try:
        keep(replaced(here.content, "synonyms", name, words), here, f"synonyms {', '.join(words)}"[:200])
    except RulesRefused as error:
        return page(here, mistakes(error), given, name), 422
    except LookupError:
        raise gone() from None
    flash("The synonyms are in your draft.")
    return redirect(url_for("rules.index", _anchor="synonyms"), 303)


@blueprint.post("/synonyms/<name>/remove")
@needs("editor")
def remove_synonyms(name: str) -> Response:
    """Take a group of synonyms out: of the draft."""
    here = book()
    try:
        keep(replaced(here.content, "synonyms", name, None), here, "remove synonyms")
    except LookupError:
        raise gone() from None
    return redirect(url_for("rules.index", _anchor="synonyms"), 303)


def gone() -> Exception:
    """What to raise where a rule is not in the draft any more."""
    return http(404, "This rule has been changed since the page was loaded.", "Load the list again.")
