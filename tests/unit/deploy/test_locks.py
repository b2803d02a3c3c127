"""deploy/locks: every package of the image at the version of constraints.txt, with hashes, and no other."""

import re
import tomllib

import pytest

from deploy.lock import EXTRAS, LOCKS, entries, is_of_gpus, parts
from tests.support.compose import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HELD = {path.stem: entries(path.read_text()) for path in sorted(LOCKS.glob("*.lock"))}
# What constraints.txt lacks: it is frozen on Linux with PyTorch's build for CPUs, by a Python of today.
ELSEWHERE = {"async-timeout", "colorama", "httpx2-jsfetch", "setuptools"}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def name_of(requirement: str) -> str:
    return canonical(re.split(r"[=<>\[ ]", requirement, maxsplit=1)[0])


CONSTRAINTS = {
    name_of(line): line.strip().partition("==")[2]
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if "==" in line
}


def version_of(entry: str) -> str:
    return entry.partition("==")[2].split()[0]


def test_there_is_one_for_the_program_each_extra_of_an_image_and_pytorch() -> None:
    assert set(HELD) == {"base", "torch", *EXTRAS}


@pytest.mark.parametrize("lock", HELD)
def test_versions_are_those_of_the_constraints_and_every_file_has_its_hash(lock: str) -> None:
    assert HELD[lock]
    for name, entry in HELD[lock].items():
        if name in CONSTRAINTS:
            assert version_of(entry) == CONSTRAINTS[name], f"{name}: make hashes"
        else:
            assert name in ELSEWHERE or is_of_gpus(name), f"{name} is not in constraints.txt: make lock"
        first, *hashes = entry.rstrip("\n").split(" \\\n")
        assert "://" not in entry and hashes, name
        assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}", each) for each in hashes), (name, first)


@pytest.mark.parametrize("lock", ["base", *EXTRAS])
def test_what_is_asked_for_is_held(lock: str) -> None:
    wanted = PROJECT["dependencies"] if lock == "base" else PROJECT["optional-dependencies"][lock]
    there = {*HELD["base"], *HELD["torch"], *HELD[lock]}
    assert {name_of(each) for each in wanted} - there == set(), "make hashes"


def test_pytorch_is_apart_and_what_its_build_for_cpus_needs_is_not() -> None:
    assert "torch" in HELD["torch"] and all(map(is_of_gpus, HELD["torch"]))
    assert not any(is_of_gpus(name) for lock in HELD if lock != "torch" for name in HELD[lock])
    assert {"sympy", "networkx", "filelock", "setuptools"} <= HELD["base"].keys()


def test_locks_go_together() -> None:
    for name in {name for held in HELD.values() for name in held}:
        assert len({held[name] for held in HELD.values() if name in held}) == 1, name


def test_a_resolution_is_divided_by_who_needs_what() -> None:
    def lines(*names: str) -> dict[str, str]:
        return {name: f"{name}==1 \\\n    --hash=sha256:00\n" for name in names}

    everything = entries("".join(lines("flask", "torch", "nvidia-x", "sympy", "celery", "kombu").values()))
    assert list(everything) == ["flask", "torch", "nvidia-x", "sympy", "celery", "kombu"]
    base = lines("flask", "torch", "nvidia-x", "sympy")
    divided = parts(everything, {"base": base, "deployed": {**base, **lines("celery", "kombu")}})
    assert {lock: list(held) for lock, held in divided.items()} == {
        "base": ["flask", "sympy"], "torch": ["torch", "nvidia-x"], "deployed": ["celery", "kombu"],
    }  # fmt: skip
    assert divided["torch"]["torch"] == lines("torch")["torch"]
