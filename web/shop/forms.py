"""From what a page's address says to the one query that the searcher takes."""

from searcher.crop import Crop
from searcher.filters import Filters
from searcher.query import SearchQuery
from web import money
from web.language import say
from web.problems import FieldError, invalid
from web.shop.pagestate import AS_LEARNED, FACETS, PageState

PAGE = 24


def search_query(state: PageState, merchant_id: int, currency: str) -> SearchQuery:
    """The query of a page. Raises Refused or QueryRefused for what cannot be asked."""
    return SearchQuery(
        merchant_id=merchant_id,
        words=state.q,
        photo_id=state.photo or None,
        reference=state.like or None,
        filters=filters(state, currency),
        limit=PAGE,
        cursor=state.cursor or None,
        sort=state.sort,
        crop=_crop(state),
        balance=int(state.balance or AS_LEARNED) / 100,
        choices=tuple(state.choices.items()),
        currency=currency,
        currency_digits=money.digits(currency),
    )


def filters(state: PageState, currency: str) -> Filters:
    """The filters of a page, its prices in minor units."""
    chosen = {name: state.filters.get(name, ()) for name in FACETS}
    low = _price("price_min", state.price_min, currency)
    high = _price("price_max", state.price_max, currency)
    return Filters.from_mapping({**chosen, "price_min": low, "price_max": high})


def _crop(state: PageState) -> Crop | None:
    if not state.crop:
        return None
    try:
        left, top, width, height = (round(float(each.replace(",", ".")) / 100, 4) for each in state.crop)
    except ValueError as error:
        message = say("These are no numbers. Write per cent of the photo, such as 25.")
        raise invalid((FieldError("crop", message),)) from error
    return Crop(left, top, min(width, 1 - left), min(height, 1 - top))


def _price(field: str, typed: str, currency: str) -> int | None:
    if not typed:
        return None
    try:
        return money.minor(typed, currency)
    except ValueError as error:
        raise invalid(
            (
                FieldError(
                    field,
                    say(
                        "%(typed)s is no price. Write one such as 49 or 49.50.",
                        typed=say("“%(words)s”", words=typed),
                    ),
                ),
            )
        ) from error
