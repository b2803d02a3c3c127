"""The runbook can be followed: its commands, options, settings and links are there."""

import re
import shlex
from pathlib import Path

import click
import pytest

import settings
from cli import main
from settings.declared import every_setting, variable

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("operations.md", "metrics.md")
TYPED = (*PAGES, "backup.md", "deploy.md", "migrations.md", "models.md", "storage.md", "../README.md")
COMMAND = re.compile(r"(?:(?<=bin/)|(?<![\w/.-])(?<!-u ))twirl ((?:--?)?[a-z][a-z-]*)((?: [^`|#()\n]*)?)")


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def commands(text: str) -> list[tuple[str, str]]:
    """(sub-command, the rest of its line) of what stands in code: in backticks or indented."""
    code = re.findall(r"`([^`\n]+)`", text) + re.findall(r"^    ([^#\n]+)", text, re.M)
    return [found for line in code for found in COMMAND.findall(line)]


@pytest.mark.parametrize("name", TYPED)
def test_every_command_is_one_with_these_options(name: str) -> None:
    for word, rest in commands(page(name)):
        command = main.commands.get(word)
        assert command is not None, f"twirl {word}"
        words = shlex.split(re.split(r"&&|;|\s{3}", rest)[0])
        if isinstance(command, click.Group) and words and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        parser = command.make_parser(click.Context(command))
        try:
            _, left, _ = parser.parse_args(list(words))
        except click.UsageError as error:
            if not isinstance(error, click.BadArgumentUsage | click.MissingParameter):
                raise AssertionError(f"twirl {word} {rest}: {error.message}") from error
            left = []  # a sentence names a command without its arguments
        assert not left, f"twirl {word} {rest}: there is no place for {left}"


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
