"""Images a second by stage, on one thread or one GPU: what docs/performance.md shows.

    OMP_NUM_THREADS=1 python -m benchmarks.encode_throughput                    # this CPU
    OMP_NUM_THREADS=1 python -m benchmarks.encode_throughput --processes 1 2    # and how workers scale
    python -m benchmarks.encode_throughput --device cuda                        # a GPU

Photos are those of ../shared/data, else drawn ones, at 800 x 1000 pixels with a camera's grain, as merchants
send them. On a CPU, figures are of the thread's own processor time, in rounds that take turns, and the median
is shown: the load of others counts little. The share is of a matrix product of 1024 x 1024 (8192 on a GPU)
that is measured in the same rounds.
"""

import argparse
import io
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from atelier.catalogue import write_catalogue
from benchmarks.bar import ROOT, SHARED, machine
from catalog.pictures.decoder import read_rendition
from catalog.pictures.decoding import Decoded, decode
from embedding.batching import best_batch, try_batches
from embedding.feeder import ahead
from embedding.forward import Forward
from embedding.pack import Pack, TowerPack, load_pack, load_tower_pack

PACK = ROOT / "packs" / "twirl-small"
SIZE = (800, 1000)  # width, height of a merchant's photo
ROUNDS = 5
PEAK_SIDE = 1024

Pixels = NDArray[np.uint8]


def photos(count: int, folder: Path) -> list[bytes]:
    """`count` JPEG files as merchants send them."""
    found = sorted((SHARED / "data" / "magento" / "images").glob("*.jpg"))
    if not found:
        write_catalogue(folder, products=count, seed=3, workers=1)
        found = sorted(folder.rglob("*.jpg"))
    grain = np.random.default_rng(1).normal(0, 4, (SIZE[1], SIZE[0], 1))
    step = max(1, len(found) // count)
    return [_enlarged(path, grain) for path in found[::step][:count]]


def _enlarged(path: Path, grain: NDArray[np.float64]) -> bytes:
    with Image.open(path) as image:
        large = np.asarray(image.convert("RGB").resize(SIZE, Image.Resampling.LANCZOS), np.float64)
    file = io.BytesIO()
    Image.fromarray((large + grain).clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=88)
    return file.getvalue()


class Rounds:
    """Rates of several things, measured in turns; `report` gives medians."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.rates: dict[str, list[float]] = {}

    def measure(self, name: str, images: int, work: Callable[[], object]) -> None:
        """Count one turn of `work` on so many images."""
        alone = self.device.type == "cpu" and torch.get_num_threads() == 1
        clock = time.thread_time if alone else time.perf_counter
        self._wait()
        began = clock()
        work()
        self._wait()
        self.rates.setdefault(name, []).append(images / (clock() - began))

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def report(self) -> dict[str, float]:
        """{name: median rate}."""
        return {name: round(statistics.median(rates), 1) for name, rates in self.rates.items()}


def peak(device: torch.device, dtype: torch.dtype) -> Callable[[], object]:
    """A product of two square matrices; `2 PEAK_SIDE³` operations, more on a GPU."""
    side = PEAK_SIDE if device.type == "cpu" else 8 * PEAK_SIDE
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    return lambda: left @ right


def layers(pack: TowerPack, batch: int) -> tuple[Callable[[], object], float]:
    """The matrix products of the tower's linear layers alone, one after another; and their operations."""
    config = pack.info.config.tower.vit
    kind: dict[str, Any] = {"device": pack.forward.device, "dtype": pack.forward.dtype}
    width, rows = config.width, batch * (config.grid**2 + 1)
    shapes = [(width, 3 * width), (width, width), (width, config.mlp), (config.mlp, width)]
    pairs = [(torch.randn(rows, i, **kind), torch.randn(o, i, **kind)) for i, o in shapes]
    flops = 2.0 * rows * sum(i * o for i, o in shapes) * config.depth
    return lambda: [nn.functional.linear(x, w) for _ in range(config.depth) for x, w in pairs], flops


def operations(pack: TowerPack) -> float:
    """Floating point operations of one image's forward pass (a multiplication and an addition are two)."""
    tower = pack.towers.image
    side = pack.info.config.preprocessing.size
    pixels = torch.zeros(1, 3, side, side, device=pack.forward.device)
    histograms = torch.zeros(1, tower.vit.config.grid**2, pack.info.config.tower.bins, device=pixels.device)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        tower(pixels, histograms)
    return float(counter.get_total_flops())


def stages(files: Sequence[bytes], device: str, directory: Path) -> dict[str, Any]:
    """Every stage's rate, and the forward pass by precision and batch."""
    packs = {kind: load_tower_pack(directory, device, precision=kind) for kind in ("fp32", "bf16")}
    forward = packs["bf16"].forward
    rounds = Rounds(forward.device)
    decoded = [decode(data, renditions=True) for data in files]
    renditions = [each.renditions[480] for each in decoded]
    pixels = [read_rendition(data) for data in renditions]
    squares = forward.shrink(pixels)
    work = 2.0 * (PEAK_SIDE if forward.device.type == "cpu" else 8 * PEAK_SIDE) ** 3
    for _ in range(ROUNDS):
        rounds.measure("decode, three renditions", len(files), lambda: [decode(d, True) for d in files])
        rounds.measure("re-read 480 px WebP", len(files), lambda: [read_rendition(d) for d in renditions])
        rounds.measure("shrink to the square", len(files), lambda: forward.shrink(pixels))
        for kind, pack in packs.items():
            for batch in _batches(forward.device, len(files)):
                rounds.measure(f"forward {kind}, {batch}", len(files), _forward(pack, squares, batch))
            rounds.measure(f"encode {kind}", len(files), lambda pack=pack: pack.encode_images(pixels))  # type: ignore[misc]
            product = peak(forward.device, pack.forward.dtype)
            rounds.measure(f"peak {kind}", 1, lambda product=product: [product() for _ in range(5)])  # type: ignore[misc]
            rounds.measure(f"layers {kind}", 1, layers(pack, batch=8 if _on_cpu(forward) else 256)[0])
    rates = rounds.report()
    flops = operations(packs["fp32"])
    for kind, pack in packs.items():
        alone = layers(pack, batch=8 if _on_cpu(forward) else 256)[1] * rates.pop(f"layers {kind}")
        rates[f"{kind} tower's own products, GFLOP/s"] = round(alone / 1e9)
        ceiling = 5 * work * rates.pop(f"peak {kind}")
        best = max(rate for name, rate in rates.items() if name.startswith(f"forward {kind}"))
        rates[f"{kind} product, GFLOP/s"] = round(ceiling / 1e9)
        rates[f"{kind} forward, share of these"] = round(best * flops / ceiling, 3)
    found = best_batch(list(try_batches(forward)))
    return {
        **rates, "GFLOP an image": round(flops / 1e9, 2), "batch that is found": found.batch,
        "KB a photo": round(sum(map(len, files)) / len(files) / 1000),
        "KB its renditions": round(sum(map(_kept, decoded)) / len(decoded) / 1000),
    }  # fmt: skip


def _on_cpu(forward: Forward) -> bool:
    return forward.device.type == "cpu"


def _kept(picture: Decoded) -> int:
    return sum(map(len, picture.renditions.values()))


def _batches(device: torch.device, most: int) -> list[int]:
    sizes = [1, 8, 32] if device.type == "cpu" else [1, 16, 64, 256, 1024]
    return [size for size in sizes if size <= most]


def _forward(pack: Pack, squares: torch.Tensor, batch: int) -> Callable[[], object]:
    parts = [squares[start : start + batch] for start in range(0, len(squares), batch)]
    return lambda: [pack.forward.start(some).rows() for some in parts]


def whole(files: Sequence[bytes], pack: Pack, threads: int) -> dict[str, float]:
    """Renditions re-read by threads while the device encodes: an embedding worker less SQL and index."""
    renditions = [decode(data, renditions=True).renditions[480] for data in files[:64]]
    many = (renditions * (len(files) // len(renditions) + 1))[: len(files)]
    chunks = [many[start : start + pack.batch] for start in range(0, len(many), pack.batch)]
    with ThreadPoolExecutor(threads) as readers, ThreadPoolExecutor(2) as loaders:

        def read(some: list[bytes]) -> list[Pixels]:
            return list(readers.map(read_rendition, some))

        rows = sum(len(each) for each in pack.encode_stream(ahead(read, chunks[:2], loaders)))
        began = time.perf_counter()
        rows = sum(len(each) for each in pack.encode_stream(ahead(read, chunks, loaders, depth=3)))
        took = time.perf_counter() - began
    return {"re-read and encode together": round(rows / took, 1), "reading threads": threads}


# --- processes ---


def child(count: int, precision: str) -> None:
    """One worker: loads, says so, and encodes when told to; prints seconds and memory."""
    torch.set_num_threads(1)
    pack = load_pack(PACK, precision=precision)
    pixels = [np.full((480, 384, 3), 7 * n % 255, np.uint8) for n in range(32)]
    pack.encode_images(pixels)
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.perf_counter()
    for _ in range(count // len(pixels)):
        pack.encode_images(pixels)
    took = time.perf_counter() - began
    memory = int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]) / 1024
    print(json.dumps({"seconds": took, "memory_mb": round(memory)}), flush=True)


def scaling(processes: Sequence[int], count: int = 320) -> Iterator[dict[str, Any]]:
    """Images a second of all workers together, by how many there are: the best of three rounds in turns."""
    best: dict[int, dict[str, Any]] = {}
    for _ in range(3):
        for number in processes:
            rate, memory = _together(number, count)
            if number not in best or rate > best[number]["images a second"]:
                best[number] = {"processes": number, "images a second": rate, "MB each": memory}
    yield from best.values()


def _together(number: int, count: int) -> tuple[float, int]:
    command = [sys.executable, "-m", "benchmarks.encode_throughput", "--child", str(count)]
    pipe: Any = subprocess.PIPE
    workers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=ROOT, text=True) for _ in range(number)]
    for each in workers:
        assert each.stdout and each.stdout.readline().strip() == "ready"
    for each in workers:
        assert each.stdin
        each.stdin.write("\n")
        each.stdin.flush()
    said = [json.loads(each.communicate()[0]) for each in workers]
    return round(number * count / max(each["seconds"] for each in said), 1), said[0]["memory_mb"]


def main() -> None:
    """Print what was asked for as a table, and all of it as one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.encode_throughput", description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--count", type=int, default=0, help="photos; 32 on a CPU, 1024 on a GPU")
    parser.add_argument("--pack", type=Path, default=PACK)
    parser.add_argument("--threads", type=int, default=8, help="that re-read pictures for a GPU")
    parser.add_argument("--processes", type=int, nargs="*", default=[], help="workers side by side")
    parser.add_argument("--child", type=int, default=0, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        child(chosen.child, "auto")
        return
    on_gpu = chosen.device.startswith("cuda")
    files = photos(min(chosen.count or 32, 64), ROOT / "runs" / "drawn")
    said: dict[str, Any] = {"device": torch.cuda.get_device_name() if on_gpu else "cpu, 1 thread"}
    said |= stages(files * (16 if on_gpu and not chosen.count else 1), chosen.device, chosen.pack)
    if on_gpu:
        pack = load_pack(chosen.pack, chosen.device, precision="bf16", batch=256)
        said |= whole(files * (chosen.count or 4096 // len(files)), pack, chosen.threads)
    for name, figure in said.items():
        print(f"{name:<32} {figure}")
    said["workers"] = list(scaling(chosen.processes)) if chosen.processes else []
    for row in said["workers"]:
        print(row)
    print(json.dumps({**said, **machine()}))


if __name__ == "__main__":
    main()
