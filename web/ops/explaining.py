"""`/ops/explain`: why the products of a search stand where they do, with the merchant's rules about each."""

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

from flask import Blueprint, render_template, request
from werkzeug.datastructures import MultiDict

from searcher.errors import QueryRefused, SearchUnavailable
from searcher.merchandising.explain import Explanation, explain
from web.pictures import shot
from web.problems import Refused
from web.services import merchant, services
from web.shop.forms import search_query
from web.shop.pagestate import PageState

PLACES = 24
MAX_ADDRESS = 4000
blueprint = Blueprint("explaining", __name__)


@blueprint.get("/ops/explain")
def explained() -> str:
    """The search that a shop's address says, or that of the words alone."""
    address = request.args.get("address", "").strip()[:MAX_ADDRESS]
    words = request.args.get("q", "").strip()
    said = parse_qsl(urlsplit(address).query) if address else [("q", words)]
    state = PageState.lenient(MultiDict(said)).change(cursor="")
    found, amiss = _explanation(state)
    return render_template(
        "ops_explain.html", address=address, words=words, found=found, amiss=amiss, shot=shot,
        version=services().searcher.rulebook(merchant().id).version,
    )  # fmt: skip


def _explanation(state: PageState) -> tuple[Explanation | None, str]:
    """What is found, or why nothing is."""
    try:
        query = search_query(state, merchant().id, merchant().currency)
        return explain(services().searcher, replace(query, limit=PLACES)), ""
    except (QueryRefused, SearchUnavailable) as error:
        return None, f"{error.message} {error.fix}"
    except Refused as error:
        return None, f"{error.problem.message} {error.problem.fix}"
