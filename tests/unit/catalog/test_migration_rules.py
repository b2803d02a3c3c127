"""What of docs/migrations.md can be read from the files: migrations are made of steps."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
VERSIONS = sorted((ROOT / "migrations" / "versions").glob("0*.py"))
FREE = {"0001"}  # it met no rows
ALLOWED = {"f"}  # op.f says that a name is whole


def calls_of_op(source: str) -> list[str]:
    return [
        node.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "op"
    ]


def wrong(source: str) -> list[str]:
    """The calls that a migration leaves to `migrations.steps`."""
    return [name for name in calls_of_op(source) if name not in ALLOWED]


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
def test_migrations_are_made_of_steps(path: Path) -> None:
    if path.name[:4] in FREE:
        return
    assert wrong(path.read_text()) == [], "use migrations.steps: it keeps nobody waiting (docs/migrations.md)"


def test_the_rule_sees_a_plain_index_on_a_big_table() -> None:
    assert wrong('def upgrade():\n    op.create_index("ix", "image", ["state"])\n') == ["create_index"]


def test_revisions_follow_one_another() -> None:
    said = [path.name[:4] for path in VERSIONS]
    assert said == [f"{number:04}" for number in range(1, len(VERSIONS) + 1)]
