"""Learning heads and composer on 10,000 items from cached features: minutes, memory, the same again.

    python -m benchmarks.train_heads

The items are the demo catalogue's, by their feed; their features are not looked at but made: a direction for
every value of every attribute and one for every article, with noise, so that there is something to learn.
What a real picture costs once is measured by `benchmarks.encode_throughput`. Each training is a process of
its own, whose peak memory the system reports.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from atelier.catalogue import plan
from atelier.merchandise import columns
from benchmarks.bar import ROOT, Bar, show
from training.catalogue.features import FeatureCache
from training.catalogue.heads import open_heads
from training.catalogue.items import Item, read_items
from training.catalogue.recipe import Recipe
from training.catalogue.run import Workshop, train_on_catalogue

PACK = ROOT / "packs" / "twirl-small"
ITEMS = 10_000
WIDTH, BINS = 384, 135  # of the features of the shipped pack
SEED = 17
THREADS = 1


def write_catalogue(path: Path, items: int) -> None:
    """The feed of a demo catalogue of exactly `items` items, without its pictures."""
    rows = plan(items, SEED)[:items]
    lines = [columns(row.sku, row.group, row.garment, row.seed, row.family) for row in rows]
    for line in lines:
        line["image_link"] = str(path.parent / str(line["image_link"]))
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def made_features(items: list[Item]) -> torch.Tensor:
    """(N, WIDTH + BINS) float32: a direction for all that an item is, and a histogram for its colour."""
    noise = np.random.default_rng(SEED)
    known: dict[str, np.ndarray] = {}

    def direction(name: str, width: int) -> np.ndarray:
        if name not in known:
            known[name] = np.random.default_rng([SEED, *name.encode()]).normal(size=width)
        return known[name]

    rows = []
    for item in items:
        said = [f"{name}={value}" for name, value in item.values if name != "colour"]
        parts = [direction(each, WIDTH) for each in (*said, f"group={item.group}", f"path={item.path}")]
        histogram = np.abs(direction(f"hue={item.value('colour')}", BINS))
        seen = sum(parts) + noise.normal(size=WIDTH)
        rows.append(np.concatenate([seen, histogram / np.linalg.norm(histogram)]))
    return torch.from_numpy(np.stack(rows).astype(np.float32))


def prepare(work: Path, items: int) -> None:
    """A catalogue with a file a picture, and their features in the cache, as `twirl train` finds them."""
    catalogue = work / "catalogue.jsonl"
    write_catalogue(catalogue, items)
    known = read_items(catalogue)
    for item in known:
        item.picture.parent.mkdir(exist_ok=True)
        item.picture.write_text(item.sku)
    FeatureCache(work).put(open_heads(PACK), [item.picture for item in known], made_features(known))


def once(work: Path, out: Path) -> dict[str, object]:
    """One whole training from cached features: seconds, peak memory in MB, the figures."""
    recipe = Recipe(threads=THREADS)
    outcome = train_on_catalogue(work / "catalogue.jsonl", PACK, out, Workshop(work), recipe, "bench")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "seconds": outcome.seconds, "peak_mb": peak_mb, "pairs": outcome.pairs,
        "figures": outcome.judgement.record(), "fingerprint": outcome.fingerprint,
    }  # fmt: skip


def _apart(work: Path, name: str) -> dict[str, Any]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.train_heads", "--once", str(work), "--out", str(work / name)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3600, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return dict(json.loads(done.stdout.splitlines()[-1]))


def bars(items: int = ITEMS) -> Iterator[Bar]:
    """Time, memory, and whether a second run with the same seed gives the same figures."""
    with tempfile.TemporaryDirectory(prefix="twirl-heads-") as folder:
        work = Path(folder)
        prepare(work, items)
        first, second = _apart(work, "first"), _apart(work, "second")
    minutes, peak_gb = first["seconds"] / 60, first["peak_mb"] / 1024
    table = first["figures"]["R@1, R@10"]
    detail = f"{first['pairs']} pairs, {first['figures']['queries']} questions held out"
    name = f"heads learned on {items:,} items from cached features"
    yield Bar(name, minutes, "< 10 min", minutes < 10, "min", f"{detail}, one thread")
    yield Bar(f"{name}: peak memory", peak_gb, "< 4 GB", peak_gb < 4, "GB")
    apart = max(
        abs(mine - other)
        for method, figures in table.items()
        for mine, other in zip(figures, second["figures"]["R@1, R@10"][method], strict=True)
    )
    same = "the same pack" if first["fingerprint"] == second["fingerprint"] else "another pack"
    yield Bar("two trainings with one seed: figures apart", apart, "<= 1e-6", apart <= 1e-6, "points", same)


def main() -> None:
    """Print the bars, or run once for them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--once", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.once:
        print(json.dumps(once(asked.once, asked.out)))
    else:
        show(bars(asked.items))


if __name__ == "__main__":
    main()
