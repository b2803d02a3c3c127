"""Every deed that is written into a shop's history has its words."""

import ast
from collections.abc import Iterator
from pathlib import Path

from web.console.items.showing import ACTS
from web.console.team.deeds import in_words

ROOT = Path(__file__).parents[2]
OF_ACCOUNTS = {"account", "password", "second-factor", "recovery-codes", "session", "sessions"}  # of no shop


def test_every_action_in_the_code_has_words() -> None:
    written = set(actions())
    assert {"item.edited", "secret-key.made", "import.deleted", "webhook.moved"} <= written
    assert [each for each in sorted(written) if in_words(each) == each] == []


def test_acts_on_items_are_said_as_their_buttons_are() -> None:
    assert in_words("items.undelete") == "items: bring back"
    assert all(in_words(f"items.{name}") != f"items.{name}" for name in ACTS)


def actions() -> Iterator[str]:
    for room in ("web/console", "web/api", "commands"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and name_of(node.func) in ("audit", "note", "write", "_note"):
                    yield from (each.value for each in node.args if is_action(each))  # type: ignore[attr-defined]


def name_of(func: ast.expr) -> str:
    return func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")


def is_action(node: ast.expr) -> bool:
    text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
    area, dot, _ = text.partition(".")
    return bool(dot) and " " not in text and area not in OF_ACCOUNTS and not text.endswith(".jsonl")
