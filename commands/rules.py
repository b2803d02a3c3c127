"""Commands on a shop's rules: show them, see what others would change, publish them, take them back."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.exc import IntegrityError

from bootstrap import Services
from catalog.merchants import known_merchant
from catalog.models import Merchant
from catalog.rulebooks import RulebookVersion, RulesOvertaken, publish_rulebook, rulebook, rulebook_history
from commands.options import FILE, MERCHANT
from launcher.embedded import prepare
from launcher.show import say
from launcher.show_rules import print_explanation, print_history, print_rules
from searcher.errors import SearchError
from searcher.merchandising.reading import RulesRefused, read_rulebook

RULES = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


@click.group()
def rules() -> None:
    """Say which products lead, follow or stay away in searches, and what words mean the same.

    A rulebook is one JSON file: docs/merchandising.md. Every version that was published is kept.
    """


@rules.command("list")
@MERCHANT
@click.pass_obj
def list_rules(services: Services, merchant: str | None) -> None:
    """List the rules in force, those that rest or are not in their time included."""
    now = _version(services, merchant, None)
    print_rules(read_rulebook(now.content, now.version), datetime.now(UTC))


@rules.command()
@click.option("--version", type=click.IntRange(0), help="An earlier one. Default: the one in force.")
@MERCHANT
@click.pass_obj
def show(services: Services, version: int | None, merchant: str | None) -> None:
    """Print a rulebook as JSON, to be edited and published again."""
    print(json.dumps(_version(services, merchant, version).content, indent=2, ensure_ascii=False))


@rules.command()
@MERCHANT
@click.pass_obj
def history(services: Services, merchant: str | None) -> None:
    """List the published versions, the one in force first."""
    shop = _shop(services, merchant)
    with services.sessions() as session:
        print_history(rulebook_history(session, shop.id))


@rules.command()
@click.argument("file", type=RULES)
@click.option("--words", default="", help="The words of a search.")
@click.option("--photo", type=FILE, help="The picture of a search.")
@click.option("--like", metavar="SKU", help="The catalogue item that a search starts from.")
@click.option("--limit", default=24, show_default=True, type=click.IntRange(1, 100))
@MERCHANT
@click.pass_obj
def preview(
    services: Services,
    file: Path,
    words: str,
    photo: Path | None,
    like: str | None,
    limit: int,
    merchant: str | None,
) -> None:
    """Show what a search would find under the rulebook of FILE (- for standard input)."""
    from launcher.embedded import borrowed
    from searcher.merchandising.explain import explain
    from searcher.query import SearchQuery

    book = read_rulebook(_read(file))
    pixels = services.decoder.decode(photo.read_bytes()).pixels if photo else None
    shop = _shop(services, merchant)
    query = SearchQuery(shop.id, words, pixels, reference=like, limit=limit, facets=False)
    with borrowed(services, ("engine",), say):
        print_explanation(explain(services.searcher, query, book))


@rules.command()
@click.argument("file", type=RULES)
@click.option("--note", default="", help="Why, for the history.")
@click.option("--after", type=click.IntRange(0), help="Only if this version is in force: the one you edited.")
@MERCHANT
@click.pass_obj
def publish(services: Services, file: Path, note: str, after: int | None, merchant: str | None) -> None:
    """Put the rulebook of FILE (- for standard input) in force, within a second or two."""
    content = _read(file)
    book = read_rulebook(content)
    version = _publish(services, _shop(services, merchant), content, note, after)
    say(f"Version {version} is in force: {len(book.rules)} rules, {len(book.synonyms)} groups of synonyms.")


@rules.command()
@click.option("--to", "version", type=click.IntRange(0), help="A version. Default: the one before.")
@MERCHANT
@click.pass_obj
def undo(services: Services, version: int | None, merchant: str | None) -> None:
    """Put an earlier version in force again, as a new one; 0 is none at all."""
    now = _version(services, merchant, None)
    if now.version == 0:
        raise SearchError("no-rules", "Nothing was published yet.", "twirl rules publish FILE")
    before = _version(services, merchant, now.version - 1 if version is None else version)
    note = f"Back to version {before.version}"
    published = _publish(services, _shop(services, merchant), before.content, note, now.version)
    say(f"Version {published} is in force: as version {before.version} was.")


def _publish(
    services: Services, shop: Merchant, content: dict[str, Any], note: str, after: int | None
) -> int:
    try:
        with services.sessions.begin() as session:
            return publish_rulebook(session, shop.id, content, note, after)
    except (IntegrityError, RulesOvertaken) as error:
        message = "Another rulebook was published meanwhile."
        fix = "Look at twirl rules history, and put your changes into what twirl rules show prints now."
        raise SearchError("rules-overtaken", message, fix) from error


def _read(file: Path) -> Any:
    """The JSON of a file. Raises RulesRefused."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RulesRefused.of("the file", f"This is no JSON: {error}.", "Mend it there.") from error


def _version(services: Services, slug: str | None, version: int | None) -> RulebookVersion:
    shop = _shop(services, slug)
    try:
        with services.sessions() as session:
            return rulebook(session, shop.id, version)
    except LookupError as error:
        raise SearchError("no-such-version", str(error), "twirl rules history lists them.") from error


def _shop(services: Services, slug: str | None) -> Merchant:
    prepare(services)
    return known_merchant(services.sessions, slug or services.settings.web.shop)


COMMANDS = (rules,)
