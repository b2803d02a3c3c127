"""The way that a shopper came: each search that led to this one, to go back to or on from.

A step is what a search's own address says, so that going back to it needs nothing kept on the server.
"""

from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from flask import url_for
from werkzeug.datastructures import MultiDict

from web.language import say
from web.shop import shelf
from web.shop.pagestate import MAX_STEPS, PageState

_LONGEST_LABEL = 40


@dataclass(frozen=True)
class Crumb:
    """One step back: its picture ("" where words led), what was said, and its address."""

    src: str
    label: str
    url: str


def onward(state: PageState, sku: str) -> PageState:
    """The search that goes on from a result; where one was before is kept as a step."""
    if not (state.q or state.has_reference) or (state.like == sku and not state.q):
        return PageState(like=sku, via=state.via)
    step = urlencode(replace(state, via=(), cursor="", sort="").pairs())
    return PageState(like=sku, via=(*state.via, step)[-MAX_STEPS:])


def trail(state: PageState) -> list[Crumb]:
    """The steps before this search, the first one first."""
    states = [PageState.lenient(MultiDict(parse_qsl(step))) for step in state.via]
    titles = shelf.titled({each.like for each in states if each.like})
    return [
        _crumb(replace(each, via=state.via[:at]), titles.get(each.like, ("", "")))
        for at, each in enumerate(states)
    ]


def _crumb(state: PageState, product: tuple[str, str]) -> Crumb:
    src, title = product
    if state.photo and not state.like:
        src, title = url_for("pictures.photo", photo_id=state.photo), say("Your photo")
    said = state.q if len(state.q) <= _LONGEST_LABEL else f"{state.q[:_LONGEST_LABEL]}…"
    return Crumb(src, say("“%(words)s”", words=said) if said else title or say("Start"), state.url())
