"""What commands on rules print."""

from collections.abc import Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from catalog.rulebooks import RulebookVersion
from launcher.show import console, say
from searcher.merchandising.explain import Explained, Explanation
from searcher.merchandising.rulebook import Rulebook


def print_history(versions: Sequence[RulebookVersion]) -> None:
    """One line a version."""
    if not versions:
        say("No rules were published yet: twirl rules publish FILE")
    for number, each in enumerate(versions):
        rules, groups = len(each.content.get("rules", ())), len(each.content.get("synonyms", ()))
        at = each.at.strftime("%Y-%m-%d %H:%M") if each.at else ""
        state = "in force" if number == 0 else ""
        print(f"{each.version:>4}  {at}  {rules} rules, {groups} synonyms  {state:<8}  {each.note}".rstrip())


def print_rules(book: Rulebook, at: datetime) -> None:
    """One line a rule: what it does, whether its time is now, and its dates."""
    print(f"Version {book.version}: {len(book.rules)} rules, {len(book.synonyms)} groups of synonyms")
    for rule in book.rules:
        state = "" if rule.in_force(at) else "off" if not rule.on else "not now"
        dates = [f"from {rule.starts:%Y-%m-%d %H:%M}"] if rule.starts else []
        dates += [f"until {rule.ends:%Y-%m-%d %H:%M}"] if rule.ends else []
        print(f"{rule.deed:<6} {state:<8} {', '.join((rule.name, *dates))}")


def print_explanation(found: Explanation) -> None:
    """The first places with the rules about each, and what the rules take away."""
    table = Table("now", "before", "sku", "title", "rules")
    for each in found.hits:
        table.add_row(*_row(each))
    console.print(table)
    if found.gone:
        table = Table("now", "before", "sku", "title", "rules", title="No longer among these")
        for each in found.gone:
            table.add_row(*_row(each))
        console.print(table)


def _row(each: Explained) -> list[Text]:
    product = each.hit.product
    places = ("–" if place is None else str(place) for place in (each.now, each.before))
    return [Text(said) for said in (*places, product.sku, product.title, ", ".join(each.rules))]
