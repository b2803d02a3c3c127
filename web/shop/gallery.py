"""Searches for those who have no photo at hand: the shop's own pictures, each with something to change."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from searcher import palette
from searcher.results import ProductHit
from web.pictures import Shot, shots
from web.shop.pagestate import PageState

FEWEST = 3
_LIGHT = 60.0  # CIE L*: of what is lighter, much that is darker can be had


@dataclass(frozen=True)
class Example:
    """A search to try: one of the shop's own pictures and what to change about it."""

    shot: Shot
    title: str
    words: str
    url: str


def examples(hits: Sequence[ProductHit]) -> list[Example]:
    """One for each of the ways to ask that the hits allow; no words twice, no product twice.

    Each asks for what the shop has: another colour of the article itself, what other articles are like. None
    where there are too few to choose from.
    """
    dear = median([hit.product.price_minor or 0 for hit in hits]) if hits else 0
    asks: tuple[_Ask, ...] = (_colour, _colour, _sleeves, _tone, lambda hit: _cheaper(hit, dear), _colour)
    found: dict[str, tuple[int, Example]] = {}
    for ask in asks:
        taken = {product for product, _ in found.values()}
        for hit in hits:
            words, pictures = ask(hit), shots(hit.product, hit.image)
            if words and words not in found and hit.product.id not in taken and pictures:
                url = PageState(like=hit.product.sku, q=words).url()
                found[words] = hit.product.id, Example(pictures[0], hit.product.title, words, url)
                break
    return [example for _, example in found.values()] if len(found) >= FEWEST else []


_Ask = Callable[[ProductHit], str]  # what to say about a piece; "" where it does not offer itself


def _colour(hit: ProductHit) -> str:
    own = _leading(hit.product.colour)
    others = [_leading(each.colour) for each in hit.variants if each.colour]
    return next((f"but in {other}" for other in others if other != own), "")


def _leading(colour: str) -> str:
    """The first one of "Navy/White", as one says it in a sentence."""
    return colour.split("/")[0].strip().lower()


def _sleeves(hit: ProductHit) -> str:
    title = hit.product.title.casefold()
    return "with long sleeves" if "short-sleeved" in title or "short sleeve" in title else ""


def _tone(hit: ProductHit) -> str:
    light = palette.lightness(hit.product.colour)
    return "but darker" if light is not None and light > _LIGHT else ""


def _cheaper(hit: ProductHit, dear: float) -> str:
    return "but cheaper" if (hit.product.price_minor or 0) > dear else ""
