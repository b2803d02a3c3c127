"""The runbook can be followed: its commands, options, settings and links are there."""

import re
from pathlib import Path

import click
import pytest

import settings
from cli import main
from declared import every_setting, variable

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("operations.md", "metrics.md")
COMMAND = re.compile(r"\btwirl ((?:--?)?[a-z][a-z-]*)((?: [^`|#()\n]*)?)")


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def commands(text: str) -> list[tuple[str, str]]:
    """(sub-command, the rest of its line) of what stands in code: in backticks or indented."""
    code = re.findall(r"`([^`\n]+)`", text) + re.findall(r"^    (.+)$", text, re.M)
    return [found for line in code for found in COMMAND.findall(line)]


@pytest.mark.parametrize("name", PAGES)
def test_every_command_is_one_with_these_options(name: str) -> None:
    for word, rest in commands(page(name)):
        command = main.commands.get(word)
        assert command is not None, f"twirl {word}"
        words = rest.split()
        if isinstance(command, click.Group) and words and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        known = {option for each in command.params for option in each.opts}
        for option in (each.split("=")[0] for each in words if each.startswith("--")):
            assert option in known, f"twirl {word} {option}"


def test_the_check_finds_commands_at_all() -> None:
    found = commands(page("operations.md"))
    assert {"doctor", "switch", "retry", "worker", "reembed", "backup"} <= {word for word, _ in found}


@pytest.mark.parametrize("name", PAGES)
def test_every_setting_is_one(name: str) -> None:
    known = {variable(each.name) for _, each in every_setting(settings.Settings)}
    for found in re.findall(r"\bTWIRL_[A-Z_]+", page(name)):
        assert found.removesuffix("_FILE") in known, found


@pytest.mark.parametrize("name", PAGES)
def test_every_page_and_file_that_is_named_is_there(name: str) -> None:
    for found in re.findall(r"`((?:docs|deploy)/[\w./-]+)`", page(name)):
        assert (ROOT / found).exists(), found
