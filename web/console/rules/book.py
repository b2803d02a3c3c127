"""The rulebook as this person sees it: their draft where they have one, else the one in force."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from catalog.rulebook_drafts import draft_of, keep_draft
from catalog.rulebooks import RulebookVersion, rulebook
from searcher.merchandising.drafting import Change, changes, name_of
from searcher.merchandising.reading import RulesRefused, read_rulebook
from web.console.access import audit, change, shop, user
from web.services import services


@dataclass(frozen=True)
class Book:
    """What is edited (`content`), made from version `base`; `drafted` where it is a draft."""

    content: dict[str, Any]
    base: int
    drafted: bool
    in_force: RulebookVersion

    @property
    def changes(self) -> list[Change]:
        """What publishing would change."""
        return changes(self.in_force.content, self.content) if self.drafted else []

    @property
    def unpublished(self) -> set[str]:
        """What rules are addressed by that are in the draft only, or are others there."""
        return {name_of(each.said) for each in self.changes if each.part == "rules" and each.added}

    @property
    def reordered(self) -> bool:
        """Whether only the order differs."""
        return self.drafted and not self.changes and self.content != self.in_force.content

    @property
    def overtaken(self) -> bool:
        """Whether somebody has published since the draft was begun."""
        return self.drafted and self.base != self.in_force.version


def author() -> str:
    """By which a person's draft is found: their account, whatever their address becomes."""
    return str(user().id)


def book() -> Book:
    """This person's, now."""
    with services().sessions() as session:
        return book_in(session)


def book_in(session: Session) -> Book:
    """The same, in a transaction."""
    now = rulebook(session, shop().id)
    draft = draft_of(session, shop().id, author())
    if draft is None:
        return Book(now.content, now.version, False, now)
    return Book(draft.content, draft.base, True, now)


def keep(content: Mapping[str, Any], was: Book, what: str) -> None:
    """Keep an edited rulebook as the draft. Raises RulesRefused with all that is wrong with it."""
    read_rulebook(content)
    with change() as session:
        keep_draft(session, shop().id, author(), was.base, dict(content))
        audit("rules.drafted", what)


def mistakes(error: RulesRefused) -> list[str]:
    """What is wrong, in sentences."""
    return [f"{each.message} {each.fix}" for each in error.mistakes]
