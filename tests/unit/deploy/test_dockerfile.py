"""The image: what goes in, who runs it, and that nothing which runs was left out."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.support.compose import ROOT
from tests.support.image import DOCKERFILE, instructions, kept, lineage, stages
from tests.support.wheel import build_wheel, sources

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_hadolint_finds_nothing() -> None:
    words = [str(Path(sys.executable).with_name("hadolint")), str(DOCKERFILE)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout


def test_the_base_is_pinned_and_there_is_one() -> None:
    bases = {
        rest.split(" AS ")[0]
        for word, rest in instructions()
        if word == "FROM" and rest.split(" AS ")[0] not in stages()
    }
    (base,) = bases
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base)


def test_cpu_is_what_an_unnamed_target_gives() -> None:
    assert list(stages())[-1] == "cpu"


@pytest.mark.parametrize("target", ["cpu", "cuda"])
def test_it_runs_as_nobody_in_particular(target: str) -> None:
    users = [rest for stage in lineage(target) for word, rest in stages()[stage] if word == "USER"]
    assert users == ["10001:10001"]


def test_health_checks_are_left_to_who_starts_it() -> None:
    assert "HEALTHCHECK" not in {word for word, _ in instructions()}


def test_what_is_copied_is_there() -> None:
    for word, rest in instructions():
        if word == "COPY" and "--from=" not in rest:
            *sources, _ = rest.split()
            for source in sources:
                assert (ROOT / source).exists(), source
                assert source == "." or kept(source), f".dockerignore leaves out {source}"


def test_the_build_sees_the_program_and_nothing_beside_it() -> None:
    tools = PROJECT["tool"]["setuptools"]
    for module in tools["py-modules"]:
        assert kept(f"{module}.py"), module
    for package in tools["packages"]:
        assert kept(package.replace(".", "/") + "/__init__.py"), package
    for name in ("pyproject.toml", "README.md", "LICENSE", "packs/twirl-small/weights.safetensors"):
        assert kept(name), name
    for name in (
        "tests/unit/x.py",
        "data/twirl.sqlite3",
        ".git/config",
        "twirl.env",
        "runs/a",
        ".venv/bin/python",
    ):
        assert not kept(name), name
    assert not kept("web/__pycache__/app.cpython-311.pyc")


def test_nothing_is_installed_whose_hash_is_not_known() -> None:
    """But PyTorch from an index of CPU builds, which nothing here names: its version is the lock's."""
    installs = [
        install
        for word, rest in instructions()
        if word == "RUN"
        for install in re.findall(r"pip install ([^&;]*)", rest)
    ]
    own, cpu = "--no-deps --no-build-isolation .", "--no-deps --index-url "
    others = [each for each in installs if each.strip() != own and not each.startswith(cpu)]
    assert len(installs) == len(others) + 2 and all("--require-hashes" in each for each in others)
    (of_cpus,) = (each for each in installs if each.startswith(cpu))
    assert "deploy/locks/torch.lock" in of_cpus
    script = of_cpus[of_cpus.index("$(") + 2 :].partition(")")[0]
    said = subprocess.run(["sh", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.strip() in (ROOT / "constraints.txt").read_text().splitlines()


def test_what_the_build_asks_pip_for_can_be_had(tmp_path: Path) -> None:
    """The build's own lines, run by a shell as they stand; pip finds nothing missing and nothing at odds."""
    (script,) = (rest for word, rest in stages()["build"] if word == "RUN" and "base.lock" in rest)
    shutil.copytree(ROOT / "deploy" / "locks", tmp_path / "deploy" / "locks")
    shutil.copy(ROOT / "requirements-models.txt", tmp_path)
    (tmp_path / "pip").write_text(f'#!/bin/sh\nexec {sys.executable} -m pip "$@" --dry-run --no-index\n')
    (tmp_path / "pip").chmod(0o755)
    extras = dict(rest.split("=", 1) for word, rest in stages()["build"] if word == "ARG" and "=" in rest)
    env = {
        "PATH": f"{tmp_path}:{Path(sys.executable).parent}:/usr/bin:/bin",
        "EXTRAS": extras["EXTRAS"].strip('"'),
    }
    words = script.partition("/root/.cache/pip ")[2]
    done = subprocess.run(["sh", "-c", words], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-2000:]
    assert "celery" in done.stdout and "torch" not in done.stdout and "sentencepiece" not in done.stdout


def test_the_wheel_carries_everything_that_runs(tmp_path: Path) -> None:
    """The image holds the wheel, not the source: a template that it lacks would be missed there alone."""
    names = sources(kept)
    wheel = build_wheel(tmp_path, names)
    carried = set(zipfile.ZipFile(wheel).namelist())
    packages = {package.split(".")[0] for package in PROJECT["tool"]["setuptools"]["packages"]}
    at_work = {"migrations/script.py.mako"}  # the pattern of new migrations: for engineers
    missed = [name for name in names if name.split("/")[0] in packages and name not in carried | at_work]
    assert not missed, f"name them in pyproject.toml, [tool.setuptools.package-data]: {missed}"


def test_the_deployed_shape_needs_no_embedded_engine() -> None:
    """The image has no Qdrant Edge: everything that its commands import must do without."""
    code = """
import importlib, pkgutil, sys
sys.modules["qdrant_edge"] = None
for top in ("cli", "bootstrap", "commands", "web", "launcher", "searcher", "catalog", "vectors.server"):
    module = importlib.import_module(top)
    for info in pkgutil.walk_packages(getattr(module, "__path__", []), top + "."):
        if not info.name.endswith("__main__"):
            importlib.import_module(info.name)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr[-1500:]
