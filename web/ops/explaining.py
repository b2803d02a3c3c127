"""`/ops/explain`: why the products of a search stand where they do, with the merchant's rules about each.

`/ops/explain.json` says the same to programs, and of a rulebook that is posted to it what it would change.
"""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import Blueprint, Response, jsonify, render_template, request
from werkzeug.datastructures import MultiDict

from searcher.errors import QueryRefused, SearchUnavailable
from searcher.merchandising.explain import Explained, Explanation, explain
from searcher.merchandising.reading import RulesRefused, read_rulebook
from searcher.merchandising.rulebook import Rulebook
from web.pictures import shot
from web.problems import FieldError, Problem, Refused
from web.services import merchant, services
from web.shop.forms import search_query
from web.shop.pagestate import PageState

PLACES = 24
MAX_ADDRESS = 4000
PARTS = {
    "likeness": "likeness", "words": "its words", "meaning": "their meaning", "all": "has all that was asked",
    "kind": "of the kind", "sku": "its SKU", "title": "its title", "brand": "its brand", "boost": "boost",
    "deeper": "further down",
}  # fmt: skip
blueprint = Blueprint("explaining", __name__)


@blueprint.get("/ops/explain")
def explained() -> str:
    """The search that a shop's address says, or that of the words alone."""
    found, amiss = None, ""
    try:
        found = _explanation()
    except (QueryRefused, SearchUnavailable) as error:
        amiss = f"{error.message} {error.fix}"
    except Refused as error:
        amiss = f"{error.problem.message} {error.problem.fix}"
    return render_template(
        "ops_explain.html", address=_address(), words=_words(), found=found, amiss=amiss, shot=shot,
        part_names=PARTS, version=_in_force().version,
    )  # fmt: skip


@blueprint.get("/ops/explain.json")
def told() -> Response:
    """The same for programs."""
    return jsonify({"version": _in_force().version, **_document(_explanation())})


@blueprint.post("/ops/explain.json")
def previewed() -> Response:
    """What the search would find under the rulebook that is sent, which is nowhere kept."""
    try:
        book = read_rulebook(request.get_json())
    except RulesRefused as error:
        mistakes = tuple(FieldError(each.place, f"{each.message} {each.fix}") for each in error.mistakes)
        raise Refused(Problem(422, error.code, error.message, error.fix, mistakes)) from error
    return jsonify({"version": None, **_document(_explanation(book))})


def _explanation(rulebook: Rulebook | None = None) -> Explanation:
    """Of the search that is asked about. Raises QueryRefused, SearchUnavailable and Refused."""
    said = parse_qsl(urlsplit(_address()).query) if _address() else [("q", _words())]
    state = PageState.lenient(MultiDict(said)).change(cursor="")
    query = search_query(state, merchant().id, merchant().currency)
    return explain(services().searcher, replace(query, limit=PLACES), rulebook)


def _document(found: Explanation) -> dict[str, Any]:
    results = found.results
    return {
        "mode": results.mode,
        "total": results.total,
        "understood": [{"key": wish.chip.key, "mode": wish.mode} for wish in results.wishes],
        "rules": [{"name": rule.name, "do": rule.deed} for rule in results.rules],
        "hits": [_place(each) for each in found.hits],
        "gone": [_place(each) for each in found.gone],
    }


def _place(each: Explained) -> dict[str, Any]:
    return {
        "now": each.now, "without_rules": each.before, "sku": each.hit.product.sku,
        "title": each.hit.product.title, "score": each.hit.score, "parts": dict(each.parts),
        "asked_for": dict(each.hit.why), "rules": list(each.rules),
    }  # fmt: skip


def _in_force() -> Rulebook:
    return services().searcher.rulebook(merchant().id)


def _address() -> str:
    return request.args.get("address", "").strip()[:MAX_ADDRESS]


def _words() -> str:
    return request.args.get("q", "").strip()
