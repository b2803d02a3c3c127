"""The example units start real commands with real settings, and give workers time to stop."""

import configparser
import shlex
from pathlib import Path

import click
import pytest

import settings
from cli import main
from tests.support.compose import ROOT

FOLDER = ROOT / "deploy" / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))


def service(path: Path) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path)
    return parser["Service"]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_starts_a_real_command_as_nobody_in_particular(path: Path) -> None:
    unit = service(path)
    for key in ("ExecStartPre", "ExecStart"):
        if key in unit:
            program, word, *rest = shlex.split(unit[key])
            assert Path(program).name == "twirl"
            main.commands[word].make_context(word, rest, parent=click.Context(main))
    assert unit["User"] == "twirl"
    assert unit["NoNewPrivileges"] == "yes"
    assert unit["CapabilityBoundingSet"] == ""


def test_there_is_one_for_each_process() -> None:
    assert [path.stem for path in UNITS] == ["twirl-beat", "twirl-web", "twirl-worker@"]


def test_a_worker_may_finish_what_it_has_in_hand() -> None:
    unit = service(FOLDER / "twirl-worker@.service")
    assert int(unit["TimeoutStopSec"]) > settings.Settings().queue.soft_shutdown_s + 10


def test_its_settings_are_settings() -> None:
    known = {settings.variable(each.name) for _, each in settings.every_setting()}
    text = (FOLDER / "twirl.env").read_text().replace("# TWIRL_", "TWIRL_")  # suggested ones too
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(lines) >= 5
    for line in lines:
        assert line.partition("=")[0].removesuffix("_FILE") in known, line


def test_the_model_pack_lies_where_the_settings_say() -> None:
    """An installed program has none beside it."""
    program = Path(shlex.split(service(UNITS[0])["ExecStart"])[0])
    said = dict(
        line.split("=", 1) for line in (FOLDER / "twirl.env").read_text().splitlines() if line[:6] == "TWIRL_"
    )
    within = Path(said["TWIRL_PACK"]).relative_to(program.parents[2])
    assert (ROOT / within / "pack.json").is_file()
