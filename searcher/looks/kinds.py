"""Which part of an outfit a category is, and which parts go with it."""

import re
import tomllib
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.resources import files

_PEOPLE = frozenset(
    [
        "women",
        "woman",
        "womens",
        "ladies",
        "men",
        "man",
        "mens",
        "girls",
        "girl",
        "boys",
        "boy",
        "kids",
        "children",
        "baby",
    ]
)
_SEPARATOR = " > "


@cache
def _outfit() -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """{word: part} and {part: the parts that go with it}."""
    read = tomllib.loads(files("searcher.looks").joinpath("outfit.toml").read_text("utf-8"))
    meant = {word: part for part, said in read.items() for word in said["words"].split()}
    return meant, {part: tuple(said["goes_with"]) for part, said in read.items()}


@lru_cache(maxsize=4096)
def part_of(category: str) -> str:
    """The part of an outfit that a category path means ("men > shoes > sneakers" -> "shoes"); "" for none."""
    meant, _ = _outfit()
    for step in reversed(category.casefold().split(_SEPARATOR)):
        words = reversed(re.findall(r"[a-z]+", step))
        found = next((meant[word] for word in words if word in meant), "")
        if found:
            return found
    return ""


def leaves(categories: Sequence[str]) -> list[str]:
    """The paths that have nothing below them."""
    above = {_SEPARATOR.join(steps[:at]) for path in categories if (steps := path.split(_SEPARATOR))
             for at in range(1, len(steps))}  # fmt: skip
    return [path for path in categories if path not in above]


def companions(own: str, categories: Sequence[str]) -> list[tuple[str, ...]]:
    """The kinds that go with a category, the most wanted first; each is the leaf paths that are of it.

    A shop whose categories are no parts of an outfit has each other leaf beside the piece's own as a kind.
    Where the first step of a path says for whom it is, only that person's categories go with it.
    """
    beside = [path for path in leaves(categories) if path != own and _for_same(own, path)]
    part = part_of(own)
    if not part:
        near = [path for path in beside if path.split(_SEPARATOR)[0] == own.split(_SEPARATOR)[0]]
        return [(path,) for path in near or beside]
    _, goes_with = _outfit()
    kinds = (tuple(path for path in beside if part_of(path) == wanted) for wanted in goes_with[part])
    return [kind for kind in kinds if kind]


def _for_same(own: str, path: str) -> bool:
    mine, theirs = _person(own), _person(path)
    return not mine or not theirs or mine == theirs


def _person(path: str) -> str:
    """The first step, where it says for whom the category is."""
    first = path.split(_SEPARATOR)[0]
    words = set(re.findall(r"[a-z]+", first.casefold().replace("'", "")))
    return first if words & _PEOPLE else ""
