"""A rule's form: what its fields hold, from a rule or from what was sent; and the rule that they say."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from werkzeug.datastructures import MultiDict

from searcher.merchandising.rulebook import STRENGTH
from web import money

WHAT_FACETS = (
    "category",
    "brand",
    "colour",
    "pattern",
    "material",
    "gender",
    "age_group",
    "size",
    "availability",
)
WHEN_FACETS = ("category", "brand", "colour", "pattern", "material", "gender")
MOST = 100  # values of one list


@dataclass
class RuleForm:
    """What the fields hold. Dates are as `datetime-local` has them, in UTC; prices in the main unit."""

    name: str = ""
    deed: str = "pin"
    skus: list[str] = field(default_factory=list)
    what: dict[str, list[str]] = field(default_factory=dict)
    price_min: str = ""
    price_max: str = ""
    without: dict[str, list[str]] = field(default_factory=dict)
    words: str = ""
    when: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    like: str = ""
    strength: str = ""
    starts: str = ""
    ends: str = ""
    on: bool = True

    @classmethod
    def of(cls, rule: Mapping[str, Any], currency: str) -> "RuleForm":
        """The form of a rule that can be read."""
        what, when = rule.get("what", {}), rule.get("when", {})
        return cls(
            name=rule.get("name", ""),
            deed=rule["do"],
            skus=_listed(what.get("sku", ())),
            what={name: _listed(what[name]) for name in WHAT_FACETS if name in what},
            price_min=_shown(what.get("price_min"), currency),
            price_max=_shown(what.get("price_max"), currency),
            without=_left_out(what.get("without", {})),
            words=when.get("words", ""),
            when={name: _listed(values) for name, values in when.get("filters", {}).items()},
            asked=_listed(when.get("asked", ())),
            like="\n".join(_listed(when.get("like", ()))),
            strength=f"{rule['strength']:g}" if "strength" in rule else "",
            starts=_local(rule.get("from")),
            ends=_local(rule.get("until")),
            on=rule.get("on", True),
        )

    @classmethod
    def sent(cls, form: "MultiDict[str, str]") -> "RuleForm":
        """What was sent."""
        return cls(
            name=form.get("name", "").strip(),
            deed=form.get("do", ""),
            skus=list(dict.fromkeys(form.getlist("sku"))),
            what={name: found for name in WHAT_FACETS if (found := _values(form, f"what_{name}"))},
            price_min=form.get("price_min", "").strip(),
            price_max=form.get("price_max", "").strip(),
            without={name: found for name in WHAT_FACETS if (found := _values(form, f"without_{name}"))},
            words=form.get("words", "").strip(),
            when={name: found for name in WHEN_FACETS if (found := _values(form, f"when_{name}"))},
            asked=form.getlist("asked"),
            like=form.get("like", "").strip(),
            strength=form.get("strength", "").strip(),
            starts=form.get("starts", "").strip(),
            ends=form.get("ends", "").strip(),
            on="on" in form,
        )

    def rule(self, currency: str) -> dict[str, Any]:
        """The rule as JSON, without what says nothing. Raises ValueError with what is wrong and its fix."""
        what: dict[str, Any] = {"sku": self.skus, **self.what, "without": self.without}
        for name, typed in (("price_min", self.price_min), ("price_max", self.price_max)):
            what[name] = _minor(typed, currency)
        when = {
            "words": self.words, "filters": self.when, "asked": self.asked, "like": _lines(self.like),
        }  # fmt: skip
        said = {
            "name": self.name, "do": self.deed, "what": _said(what), "when": _said(when),
            "strength": _strength(self.strength) if self.deed == "boost" else None,
            "from": _instant(self.starts), "until": _instant(self.ends), "on": None if self.on else False,
        }  # fmt: skip
        return {**_said(said), "what": _said(what)}


def _said(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if value is not None and value not in ("", [], {})}


def _values(form: "MultiDict[str, str]", name: str) -> list[str]:
    """What is ticked, and what is written besides, a line each."""
    found = [*form.getlist(name), *_lines(form.get(f"{name}_more", ""))]
    return list(dict.fromkeys(found))[: MOST + 1]


def _left_out(said: Any) -> dict[str, list[str]]:
    """{facet: values}, from that or from pairs: documents may say it either way."""
    found: dict[str, list[str]] = {}
    for name, values in said.items() if isinstance(said, Mapping) else said:
        found.setdefault(name, []).extend(_listed(values))
    return found


def _lines(text: str) -> list[str]:
    return [line for each in text.splitlines() if (line := " ".join(each.split()))]


def _listed(said: Any) -> list[str]:
    return [said] if isinstance(said, str) else list(said)


def _shown(minor: int | None, currency: str) -> str:
    return "" if minor is None else money.amount(minor, currency)


def _minor(typed: str, currency: str) -> int | None:
    if not typed:
        return None
    if not currency:
        raise ValueError(
            "The shop has no currency yet, so no price means anything. Set it under Team, Prices."
        )
    try:
        return money.minor(typed, currency)
    except ValueError:
        raise ValueError(f"“{typed[:40]}” is not a price. Write one such as 49 or 49.50.") from None


def _strength(typed: str) -> float | None:
    if not typed:
        return None
    try:
        number = float(typed.replace(",", "."))
    except ValueError:
        raise ValueError(f"“{typed[:40]}” is not a strength. Write a number up to 2.") from None
    return None if number == STRENGTH else number


def _instant(typed: str) -> str | None:
    """ "2026-12-01T00:00" as "2026-12-01", other times with UTC's offset."""
    if not typed:
        return None
    try:
        at = datetime.fromisoformat(typed)
    except ValueError:
        raise ValueError(f"“{typed[:40]}” is not a date. Write one such as 2026-12-01T08:00.") from None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    whole_day = (at.hour, at.minute, at.second) == (0, 0, 0)
    return at.date().isoformat() if whole_day else at.isoformat(timespec="minutes")


def _local(said: str | None) -> str:
    if not said:
        return ""
    at = datetime.fromisoformat(said)
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M}"


def others(chosen: Iterable[str], offered: Iterable[str]) -> str:
    """The chosen values that are not among those offered, a line each."""
    known = {each.casefold() for each in offered}
    return "\n".join(value for value in chosen if value.casefold() not in known)
