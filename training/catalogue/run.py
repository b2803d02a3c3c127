"""From an exported catalogue and a pack to a candidate pack, and the judgement of both.

outcome = train_on_catalogue(catalogue, live_folder, out_folder, Workshop(work_folder), Recipe(), "my-pack")
"""

import hashlib
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from embedding.dual_files import DualInfo
from embedding.pack_files import PackInfo, read_pack_json
from training.catalogue.exam import (
    Captions,
    Exam,
    examine,
    examine_words,
    make_captions,
    make_exam,
)
from training.catalogue.features import FeatureCache
from training.catalogue.heads import Heads, open_heads
from training.catalogue.items import CatalogueTooSmall, Item, read_items
from training.catalogue.judgement import Judgement
from training.catalogue.learner import Learner
from training.catalogue.lessons import Lessons
from training.catalogue.recipe import Recipe
from training.catalogue.triplets import Triplets, find_triplets, side_of

LEAST_QUERIES = 20
Info = PackInfo | DualInfo
Show = Callable[[str], AbstractContextManager[Callable[[int, int | None], None]]]


def _silent(_what: str) -> AbstractContextManager[Callable[[int, int | None], None]]:
    return nullcontext(lambda _done, _total: None)


@dataclass(frozen=True)
class Workshop:
    """Where features and checkpoints are kept, and how progress is shown."""

    folder: Path
    show: Show = _silent
    saved: int = 100  # steps between two checkpoints: what an interruption costs at most


@dataclass(frozen=True)
class Outcome:
    """What came out of a training."""

    name: str
    fingerprint: str
    judgement: Judgement
    pairs: int  # that were learned from
    share: float  # of the way from the live weights to the learned ones that was gone
    seconds: float


@dataclass(frozen=True)
class Stock:
    """A catalogue, taken apart for one recipe."""

    items: list[Item]
    triplets: Triplets
    exam: Exam
    captions: Captions


def take_stock(catalogue: Path, recipe: Recipe) -> Stock:
    """Items, triplets and exam of an exported catalogue. Raises CatalogueTooSmall."""
    items = _some(read_items(catalogue), recipe)
    triplets = find_triplets(items, recipe.seed)
    exam = make_exam(items, triplets, recipe.seed, 0.0, recipe.held_out, recipe.queries)
    if len(exam) < LEAST_QUERIES:
        raise CatalogueTooSmall(
            f"{len(exam)} questions about held-out articles can be asked of {len(items)} items; "
            f"a judgement takes {LEAST_QUERIES}.",
            "Import more of the catalogue, with item_group_id and color in the feed (docs/feeds.md).",
        )
    captions = make_captions(items, recipe.seed, recipe.held_out, recipe.queries)
    return Stock(items, triplets, exam, captions)


def _some(items: list[Item], recipe: Recipe) -> list[Item]:
    """At most `recipe.items` of the items, whole articles, the same ones each time."""
    if len(items) <= recipe.items:
        return items
    share = recipe.items / len(items)
    return [item for item in items if side_of(item.group, recipe.seed + 1) < share]


def train_on_catalogue(
    catalogue: Path, pack: Path, out: Path, workshop: Workshop, recipe: Recipe, name: str
) -> Outcome:
    """Learn from an exported catalogue, starting at the pack in `pack`; write the candidate to `out`.

    Cut off, it goes on from its last checkpoint when it is called again with the same arguments. Raises
    CatalogueTooSmall, PackRefused, PictureUnreadable.
    """
    began = time.perf_counter()
    torch.set_num_threads(recipe.threads)
    stock = take_stock(catalogue, recipe)
    heads, cache = open_heads(pack), FeatureCache(workshop.folder)
    lessons = Lessons(stock.items, stock.triplets, recipe)
    features = _looked(heads, stock.items, cache, workshop)
    learner = Learner(heads, lessons, features, recipe)
    checkpoint = workshop.folder / "checkpoint.safetensors"
    with workshop.show("learning") as progress:
        learner.run(checkpoint, _key(heads.info, stock, features, recipe), progress, workshop.saved)
    edge = recipe.held_out + recipe.checked
    checked = make_exam(stock.items, stock.triplets, recipe.seed, recipe.held_out, edge, recipe.queries)
    share = learner.settle(checked)
    facts = _facts(heads.info, recipe, stock, len(lessons.pairs), share)
    _write(out, heads, name, facts, {})
    judgement = judge(stock, pack, out, workshop)
    found = _write(out, heads, name, facts, {"this shop, held-out articles": judgement.record()})
    checkpoint.unlink(missing_ok=True)
    return Outcome(name, found, judgement, len(lessons.pairs), share, time.perf_counter() - began)


def judge(stock: Stock, live: Path, candidate: Path, workshop: Workshop) -> Judgement:
    """Both packs as they are on disk on the held-out articles. Raises PackRefused, PictureUnreadable."""
    results, words = [], []
    for folder in (live, candidate):
        heads = open_heads(folder)
        features = _looked(heads, stock.items, FeatureCache(workshop.folder), workshop)
        results.append(examine(heads, stock.exam, features))
        if stock.captions.texts:
            words.append(examine_words(heads, stock.captions, features))
    return Judgement(results[0], results[1], stock.exam, (words[0], words[1]) if words else None)


def candidate_name(pack: Path, shop: str) -> str:
    """What a candidate is called by default: the pack that it all began with, and the shop."""
    said = read_pack_json(pack)
    return f"{said.get('training', {}).get('catalogue', {}).get('root', said['name'])}-{shop}"


def recipe_of(folder: Path) -> Recipe:
    """The recipe that a candidate was made by; the default for a pack that no catalogue has made.

    Raises PackRefused.
    """
    said = read_pack_json(folder).get("training", {}).get("catalogue", {}).get("recipe", {})
    return Recipe(**{**asdict(Recipe()), **said, "shares": tuple(said.get("shares", Recipe().shares))})


def _looked(heads: Heads, items: Sequence[Item], cache: FeatureCache, workshop: Workshop) -> torch.Tensor:
    with workshop.show("looking") as progress:
        return cache.features(heads, [item.picture for item in items], progress)


def _key(info: Info, stock: Stock, features: torch.Tensor, recipe: Recipe) -> str:
    """Changes with anything that decides what is learned."""
    found = hashlib.sha256(repr((info.fingerprint, recipe)).encode())
    for item in stock.items:
        found.update(repr((item.sku, item.group, item.path, item.values)).encode())
    found.update(features.numpy().tobytes())
    return found.hexdigest()


def _facts(
    info: PackInfo | DualInfo, recipe: Recipe, stock: Stock, pairs: int, share: float
) -> dict[str, Any]:
    before = info.training.get("catalogue", {})
    learned = {
        "root": before.get("root", info.name),  # what the first of such packs began with
        "from": info.fingerprint,
        "recipe": asdict(recipe),
        "items": len(stock.items),
        "pairs": pairs,
        "share": share,
    }
    return {**info.training, "catalogue": learned}


def _write(out: Path, heads: Heads, name: str, training: dict[str, Any], metrics: dict[str, Any]) -> str:
    """Write the candidate, all of it or nothing; its fingerprint."""
    beside = out.with_name(f".{out.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.parent.mkdir(parents=True, exist_ok=True)
    said = f"{training['catalogue']['root']}, heads and composer learned on the shop's own catalogue"
    fingerprint = heads.write(beside, name, said, training, {**heads.info.metrics, **metrics})
    shutil.rmtree(out, ignore_errors=True)
    beside.rename(out)
    return fingerprint
