"""The sentences above the results, for eyes and for screen readers."""

from collections.abc import Sequence

from web.language import say, say_many
from web.shop.pagestate import AS_LEARNED, PageState


def heading(state: PageState, reference: str, chosen: Sequence[str]) -> str:
    """What is shown, in words: `reference` names the leading picture, `chosen` the filters' labels."""
    words = say("“%(words)s”", words=state.q) if state.q else ""
    if state.has_reference:
        own = state.photo and not state.like
        like = say("Like your photo") if own else say("Like %(piece)s", piece=reference)
        return say("%(like)s, %(words)s", like=like, words=words) if words else like
    if words:
        return words
    if chosen:
        return ", ".join(chosen[:3])
    return say("New in") if state.sort == "newest" else say("Everything")


def count(state: PageState, total: int, lacking: bool = False, weak: bool = False) -> str:
    """How many pieces, and, where a search ranks everything that passes the filters, that it does so.

    `lacking`: not one of them has all that was asked for; `weak`: nothing really matches. Both are said.
    """
    pieces = say_many("%(count)s piece", "%(count)s pieces", total)
    ranked = (state.q or state.has_reference) and not state.sort
    if ranked and weak:
        return say("Nothing here is quite like that. %(pieces)s, closest first", pieces=pieces)
    if ranked and lacking and total > 1:
        return say("Nothing has all of that. %(pieces)s, closest first", pieces=pieces)
    if ranked and lacking:
        return say("%(pieces)s, not all of that", pieces=pieces)
    return say("%(pieces)s, closest first", pieces=pieces) if ranked and total > 1 else pieces


def balance(percent: str) -> str:
    """How far the words change the photo, for who does not see the slider."""
    words = int(percent or AS_LEARNED)
    if words == AS_LEARNED:
        return say("balanced")
    if words > AS_LEARNED:
        return say("%(share)s%% words", share=words)
    return say("%(share)s%% photo", share=100 - words)


def announcement(said: str, counted: str, found: bool) -> str:
    """What a screen reader says when a search is answered."""
    if found:
        return say("%(said)s: %(counted)s.", said=said, counted=counted)
    return say("%(said)s: nothing found. Ways on are listed.", said=said)
