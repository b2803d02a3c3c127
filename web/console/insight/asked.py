"""What was asked for in words, and what the shop does not have of it."""

from collections.abc import Sequence

from flask import render_template

from catalog.insight import reading
from searcher.insight.demand import Demand, demand, strange
from searcher.insight.gaps import Ask
from web import money
from web.console.access import needs, shop
from web.console.insight import blueprint
from web.console.insight.period import Chosen, chosen
from web.console.insight.seen import pictured
from web.services import services

WORDS, GAPS, LOOKED_AT, UNKNOWN, GROUPS = 100, 40, 400, 40, 12


@blueprint.get("/words")
@needs("viewer")
def words() -> str:
    """The commonest words, and those that were answered poorly."""
    here = chosen()
    with services().sessions() as session:
        often = reading.words(session, here.period, WORDS)
        poor = reading.words(session, here.period, WORDS, poor=True)
    return render_template("console/insight_words.html", span=here, often=often, poor=poor)


@blueprint.get("/gaps")
@needs("viewer")
def gaps() -> str:
    """What was asked for and is not in stock: things, words, and photos that nothing here looks like."""
    here = chosen()
    with services().sessions() as session:
        photos = reading.photos(session, here.period, weak=True, limit=GROUPS)
        groups = pictured(session, photos)
    return render_template(
        "console/insight_gaps.html", span=here, unknown=strange_words(here, UNKNOWN), groups=groups,
        gaps=[(told(each.asks), each) for each in missing(here)],
    )  # fmt: skip


def strange_words(here: Chosen, most: int) -> list[reading.Gap]:
    """The words that nothing in the shop has, the commonest first."""
    with services().sessions() as session:
        found = reading.gaps(session, here.period, "word", most + LOOKED_AT)
    return strange(found, services().searcher.stock.shelf(shop().id), most)


def missing(here: Chosen) -> list[Demand]:
    """What was asked for together and is not in stock today."""
    with services().sessions() as session:
        found = reading.gaps(session, here.period, "facets", LOOKED_AT)
    return demand(found, services().searcher.stock.shelf(shop().id), GAPS)


def told(asks: Sequence[Ask]) -> str:
    """ "Dresses, striped, up to $50"."""
    return ", ".join(_price(ask) if ask.field == "price" else ask.label for ask in asks)


def _price(ask: Ask) -> str:
    low, high = ask.values
    said = [f"from {money.shown(low, shop().currency)}"] if low is not None else []
    return " ".join(said + ([f"up to {money.shown(high, shop().currency)}"] if high is not None else []))
