"""What was done, in words; the log itself and its CSV keep the stable codes."""

from web.console.items.showing import ACTS

_WORDS = {
    "import.again": "refused rows read again",
    "import.begun": "import run",
    "import.deleted": "upload deleted",
    "import.fetched": "feed fetched",
    "import.stopped": "import stopped",
    "import.taken-back": "import taken back",
    "import.uploaded": "feed uploaded",
    "invitation.taken-back": "invitation taken back",
    "item.edited": "item edited",
    "item.picture-add": "picture added",
    "item.picture-replace": "picture replaced",
    "item.picture-remove": "picture taken out",
    "item.picture-earlier": "picture moved to the front",
    "item.picture-later": "picture moved to the back",
    "item.picture-first": "picture made the main one",
    "items.accept": "suggestions filled in",
    "items.dismiss": "suggestions left as they were",
    "member.invited": "member invited",
    "member.joined": "member joined",
    "member.left": "member left",
    "member.removed": "member removed",
    "member.role": "role changed",
    "rules.drafted": "rules drafted",
    "rules.draft-dropped": "draft of rules thrown away",
    "rules.published": "rules published",
    "rules.returned": "earlier rules published",
    "schedule.added": "feed by the clock added",
    "schedule.delete": "feed by the clock deleted",
    "schedule.now": "feed by the clock fetched now",
    "schedule.pause": "feed by the clock paused",
    "schedule.resume": "feed by the clock resumed",
    "search-key.made": "search key made",
    "search-key.revoked": "search key revoked",
    "secret-key.made": "secret key made",
    "secret-key.revoked": "secret key revoked",
    "secret-key.rotated": "secret key rotated",
    "shop.currency": "currency set",
    "shop.opened": "shop opened",
    "webhook.moved": "webhook moved",
}


def in_words(action: str) -> str:
    """An action as the page says it; one without words as it is."""
    area, _, name = action.partition(".")
    if area == "items" and name in ACTS:
        return f"items: {ACTS[name][0].lower()}"
    return _WORDS.get(action, action)
