"""Reads the Dockerfile and .dockerignore."""

import fnmatch
import re
from pathlib import Path

from tests.support.compose import ROOT

DOCKERFILE = ROOT / "Dockerfile"


def instructions() -> list[tuple[str, str]]:
    """(instruction, the rest of it) of each, continuation lines joined."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(), flags=re.M)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()]


def stages() -> dict[str, list[tuple[str, str]]]:
    """The instructions of each stage by its name, its FROM first."""
    found: dict[str, list[tuple[str, str]]] = {}
    for word, rest in instructions():
        if word == "FROM":
            name = rest.split(" AS ")[1]
            found[name] = []
        found[name].append((word, rest))
    return found


def lineage(stage: str) -> list[str]:
    """The stage and those it is made from, the nearest first."""
    base = stages()[stage][0][1].split(" AS ")[0]
    return [stage, *(lineage(base) if base in stages() else [])]


def environment(target: str) -> dict[str, str]:
    """What ENV sets in an image, without PATH."""
    said = [rest for stage in reversed(lineage(target)) for word, rest in stages()[stage] if word == "ENV"]
    pairs = (each.partition("=") for line in said for each in line.split())
    return {name: value for name, _, value in pairs if name != "PATH"}


def kept(path: str) -> bool:
    """Whether .dockerignore lets a path of the project into the build."""
    verdict = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!").removeprefix("**/")
        whole = path == pattern or path.startswith(f"{pattern}/") or pattern == "*"
        part = line.startswith("**/") and any(fnmatch.fnmatch(each, pattern) for each in Path(path).parts)
        if whole or part:
            verdict = line.startswith("!")
    return verdict
