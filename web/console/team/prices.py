"""What the shop's prices are in: told, and set while no item has a price in another currency."""

from functools import lru_cache

from babel.numbers import get_currency_name
from flask import flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from catalog.currency import CurrencyRefused
from catalog.feeds.prices import CURRENCIES
from catalog.merchants import priced_in, set_currency
from web.console.access import audit, change, needs, shop
from web.console.team import blueprint
from web.services import services


@lru_cache
def currency_names() -> dict[str, str]:
    """{code: name} of every currency that there is."""
    return {code: get_currency_name(code, locale="en") for code in sorted(CURRENCIES)}


@blueprint.get("/prices")
@needs("viewer")
def prices() -> str:
    """The currency, and how many items have a price."""
    return _page()


@blueprint.post("/prices")
@needs("editor")
def set_prices() -> Response | tuple[str, int]:
    """Let the shop's prices be in a currency."""
    try:
        with change() as db:
            change_currency(db, request.form.get("currency", ""))
    except CurrencyRefused as error:
        return _page(f"{error.message} {error.fix}"), 422
    return redirect(url_for("team.prices"), 303)


def change_currency(session: Session, code: str) -> None:
    """Set the shop's currency within the change, note it and say so. Raises CurrencyRefused."""
    if set_currency(session, shop().id, code):
        audit("shop.currency", code)
        flash(f"The shop's prices are in {code} from now on.")


def _page(wrong: str = "") -> str:
    with services().sessions() as session:
        priced = priced_in(session, shop().id)
    return render_template(
        "console/prices.html", currency=shop().currency, priced=priced, names=currency_names(), wrong=wrong
    )
