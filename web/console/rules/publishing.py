"""A draft put in force or thrown away; the versions that were, and the way back to one of them."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response

from catalog.rulebook_drafts import drop_draft, keep_draft
from catalog.rulebooks import RulebookVersion, RulesOvertaken, publish_rulebook, rulebook, rulebook_history
from searcher.merchandising.drafting import Change, changes, merged
from searcher.merchandising.reading import RulesRefused, read_rulebook
from web.console.access import audit, change, needs, shop, user
from web.console.rules import blueprint
from web.console.rules.book import author, book, keep, mistakes
from web.console.rules.listing import by, products_of, titles_of
from web.console.rules.telling import one
from web.problems import http
from web.services import services

SHOWN = 100  # versions
PUBLISHED, RETURNED = "rules.published", "rules.returned"


@blueprint.get("/publish")
@needs("editor")
def ask() -> str:
    """What publishing would change; and, where somebody was faster, what they have changed."""
    return _asked()


def _asked(wrong: str = "") -> str:
    here = book()
    with services().sessions() as session:
        base = rulebook(session, shop().id, here.base)
    theirs = changes(base.content, here.in_force.content) if here.overtaken else []
    return render_template(
        "console/rules_publish.html",
        book=here, base=base, mine=_told(changes(base.content, here.content)), theirs=_told(theirs),
        by=by, wrong=wrong,
    )  # fmt: skip


def _told(found: list[Change]) -> list[tuple[bool, str]]:
    """Each change, (whether it adds, in words)."""
    rules = {"rules": [each.said for each in found if each.part == "rules"]}
    titles = titles_of(products_of(rules))
    lines = []
    for each in found:
        if each.part == "synonyms":
            lines.append((each.added, f"Synonyms: {', '.join(each.said)}"))
        else:
            rule = one(each.said, titles)
            time = f" ({rule.time})" if rule.time else ""
            state = ", switched off" if rule.state == "off" else ""
            lines.append((each.added, f"{rule.title}: {rule.deed}, {rule.what}; {rule.when}{time}{state}"))
    return lines


@blueprint.post("/publish")
@needs("editor")
def publish() -> Response | tuple[str, int]:
    """Put the draft in force, if the version that it was made from is."""
    here = book()
    if not here.drafted:
        flash("There is nothing to publish.", "bad")
        return redirect(url_for("rules.index"), 303)
    try:
        version = _publish(here.content, request.form.get("note", ""), here.base, PUBLISHED)
    except (RulesOvertaken, IntegrityError):
        return _asked("Somebody has published meanwhile. Nothing of yours is lost: see below."), 409
    flash(f"Version {version} is in force. Searches follow within two seconds.")
    return redirect(url_for("rules.index"), 303)


def _publish(content: dict[str, Any], note: str, after: int, action: str) -> int:
    read_rulebook(content)
    with change() as session:
        version = publish_rulebook(session, shop().id, content, note, after, user().email)
        if action == PUBLISHED:
            drop_draft(session, shop().id, author())
        audit(action, f"version {version}", note=note[:200])
    return version


@blueprint.post("/draft/drop")
@needs("editor")
def drop() -> Response:
    """Throw the draft away."""
    with change() as session:
        drop_draft(session, shop().id, author())
        audit("rules.draft-dropped")
    flash("Your draft is gone. What is in force stays as it is.")
    return redirect(url_for("rules.index"), 303)


@blueprint.post("/draft/rebase")
@needs("editor")
def rebase() -> Response | tuple[str, int]:
    """Make the draft's changes to what is in force now."""
    here = book()
    with services().sessions() as session:
        base = rulebook(session, shop().id, here.base)
    done = merged(base.content, here.content, here.in_force.content)
    try:
        read_rulebook(done.content)
    except RulesRefused as error:
        return _asked(" ".join(mistakes(error))), 422
    with change() as session:
        keep_draft(session, shop().id, author(), here.in_force.version, done.content)
        audit("rules.drafted", f"changes made to version {here.in_force.version}")
    both = "" if not done.both else f" {len(done.both)} that both of you have changed: look at them."
    flash(f"Your changes are made to version {here.in_force.version}.{both}", "bad" if both else "message")
    return redirect(url_for("rules.ask"), 303)


@blueprint.get("/versions")
@needs("viewer")
def versions() -> str:
    """What was published, by whom and when, the newest first."""
    with services().sessions() as session:
        found = rulebook_history(session, shop().id, SHOWN)
    rows = [(each, *_counts(each)) for each in found]
    return render_template("console/rules_versions.html", rows=rows, by=by)


def _counts(version: RulebookVersion) -> tuple[int, int]:
    return len(version.content.get("rules", ())), len(version.content.get("synonyms", ()))


@blueprint.post("/versions/<int:version>/return")
@needs("editor")
def go_back(version: int) -> Response:
    """Put an earlier version in force again, as a new one; 0 is none at all."""
    try:
        with services().sessions() as session:
            before = rulebook(session, shop().id, version)
        after = int(request.form.get("after", ""))
        made = _publish(before.content, f"Back to version {version}", after, RETURNED)
    except (RulesOvertaken, IntegrityError, ValueError):
        flash("Somebody has published meanwhile: look at the versions again.", "bad")
        return redirect(url_for("rules.versions"), 303)
    except LookupError as error:
        raise http(404, str(error), "Load the list of versions again.") from None
    except RulesRefused as error:
        flash(" ".join(mistakes(error)), "bad")
        return redirect(url_for("rules.versions"), 303)
    flash(f"Version {made} is in force: as version {version} was.")
    return redirect(url_for("rules.versions"), 303)


def take_in(content: dict[str, Any]) -> None:
    """Make this the draft. Raises RulesRefused."""
    keep(content, book(), "a document")
