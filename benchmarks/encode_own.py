"""What an encoder of one's own costs: CLIP and SigLIP of their usual sizes, with random weights.

    OMP_NUM_THREADS=1 python -m benchmarks.encode_own

Speed does not depend on what the weights are. Seconds are of one thread's processor time, the best of some
rounds, so that others' load counts little. Photos are 480 x 384, as Twirl keeps them to be embedded.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.bar import ROOT
from embedding.adding import add_encoder
from embedding.dual import load_dual_pack
from embedding.dual_files import Origin, write_composed
from embedding.preprocess import Pixels
from embedding.residual import ResidualComposer, ResidualConfig
from tests.support.encoders import Size, clip, siglip, siglip2

BASE = Size(768, 3072, 12, 12, 224, 16, 64, vocabulary=32_000)
GEMMA = replace(BASE, vocabulary=256_000)
B16 = Size(768, 3072, 12, 12, 224, 16, 77, projection=512, text_width=512, text_heads=8, vocabulary=49_408)
ENCODERS: dict[str, tuple[Callable[..., Path], Size]] = {
    "CLIP ViT-B/32": (clip, replace(B16, patch=32)), "CLIP ViT-B/16": (clip, B16),
    "SigLIP ViT-B/16": (siglip, BASE), "SigLIP 2 ViT-B/16 NaFlex": (siglip2, GEMMA),
}  # fmt: skip
PHOTOS, ROUNDS = 8, 3


def seconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Of this thread's processor time, the least of some rounds after one that does not count."""
    work()
    took = []
    for _ in range(rounds):
        began = time.thread_time()
        work()
        took.append(time.thread_time() - began)
    return min(took)


def rates(folder: Path, precision: str, photos: Sequence[Pixels]) -> tuple[str, str]:
    """Photos a second, from pixels to vectors, and ms of one query's words."""
    pack = load_dual_pack(folder, precision=precision)
    words = seconds(lambda: pack.encode_texts(["the same but in dark green"]), 10)
    return f"{len(photos) / seconds(lambda: pack.encode_images(photos)):.1f}", f"{1000 * words:.0f}"


def compose_ms(folder: Path) -> float:
    """Of one query of a photo and words."""
    pack = load_dual_pack(folder)
    rows = np.random.default_rng(0).standard_normal((2, pack.dimension)).astype(np.float32)
    return 1000 * seconds(lambda: pack.compose(rows[0], rows[1]), 200)


def measure(folder: Path, composed: Path) -> list[str]:
    """Cells of one encoder: photos a second and ms of words by precision, ms of shrinking and composing."""
    photos = list(np.random.default_rng(0).integers(0, 256, (PHOTOS, 480, 384, 3), dtype=np.uint8))
    exact, fast = (rates(folder, precision, photos) for precision in ("fp32", "bf16"))
    pack = load_dual_pack(folder)
    shrink = 1000 * seconds(lambda: pack.forward.shrink(photos)) / PHOTOS
    composer = ResidualComposer(ResidualConfig(pack.dimension))
    write_composed(folder, composed, composer, "composed", training={}, metrics={})
    mixed = [f"{compose_ms(each):.2f}" for each in (folder, composed)]
    loading = subprocess.run(
        [sys.executable, "-m", "benchmarks.encode_own", "--load", str(folder)],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return [exact[0], fast[0], f"{shrink:.1f}", exact[1], fast[1], *mixed, *loading.stdout.split()]


def load(folder: Path) -> None:
    """Print seconds of processor time until the first vector, and the process's memory in MiB."""
    pack = load_dual_pack(folder)
    pack.compose(pack.encode_images([np.zeros((480, 384, 3), np.uint8)])[0], pack.encode_texts(["red"])[0])
    print(f"{time.process_time():.1f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}")


def main() -> None:
    """Print a row for each encoder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--load", type=Path, metavar="FOLDER", help="only load a pack, and say what it took")
    if (folder := parser.parse_args().load) is not None:
        load(folder)
        return
    torch.set_num_threads(1)
    table = Table(
        "encoder", "photos/s fp32", "bf16", "shrink ms", "words ms", "slerp ms", "composer ms", "MiB"
    )
    for name, (make, size) in ENCODERS.items():
        with tempfile.TemporaryDirectory() as made:
            root = Path(made)
            added = add_encoder(make(root / "published", size), root / "packs", "own", Origin("own"))
            table.add_row(name, *measure(added.folder, root / "composed"))
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
