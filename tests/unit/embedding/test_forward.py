"""The image tower at work: inputs to the bit, batches, precision, and the same calls that a GPU gets."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from embedding.batching import BatchSizes, Tried, best_batch, try_batches
from embedding.colour import patch_histograms
from embedding.feeder import ahead
from embedding.forward import Started, TowerForward
from embedding.inputs import Inputs
from embedding.pack import Pack, load_pack
from embedding.packs import Packs, batch_sizes
from embedding.precision import choose_precision
from embedding.preprocess import Pixels, Preprocessing, normalise

SHIPPED = Path(__file__).parents[3] / "packs" / "twirl-small"
CPU = torch.device("cpu")


def photos(count: int, seed: int = 0) -> list[Pixels]:
    """Blocks of colour, of sizes of their own: a network sees more in them than in noise."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (count, 12, 9, 3), dtype=np.uint8)
    return [np.kron(each, np.ones((8 + n % 5, 10, 1), np.uint8)) for n, each in enumerate(small)]


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(SHIPPED)


@pytest.fixture(scope="module")
def fast() -> Pack:
    return load_pack(SHIPPED, precision="bf16")


def test_inputs_are_those_of_training_to_the_bit(pack: Pack) -> None:
    squares = pack.forward.shrink(photos(5))
    pixels, histograms = Inputs(Preprocessing(), 14, CPU)(squares)
    assert np.array_equal(pixels.numpy(), normalise(squares.numpy(), Preprocessing()))
    assert np.abs(histograms.numpy() - patch_histograms(squares.numpy())).max() < 1e-7
    assert squares.dtype == torch.uint8  # and were not written over


def test_bf16_vectors_are_those_of_fp32(pack: Pack, fast: Pack) -> None:
    some = photos(24, seed=3)
    exact, quick = pack.encode_images(some), fast.encode_images(some)
    assert fast.forward.dtype == torch.bfloat16 and quick.dtype == np.float32
    assert np.linalg.norm(quick, axis=1) == pytest.approx(1, abs=1e-5)
    assert (exact * quick).sum(1).min() > 0.999
    assert (exact != quick).any()  # it really computed otherwise


def test_bf16_does_not_depend_on_the_batch(fast: Pack) -> None:
    some = photos(9, seed=4)
    together = fast.encode_images(some)
    alone = np.concatenate([fast.encode_images([each]) for each in some])
    assert (together * alone).sum(1).min() > 0.9999


def test_precision_is_as_wanted_else_what_the_device_has(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_precision("fp32", CPU) == torch.float32
    assert choose_precision("bf16", CPU) == torch.bfloat16
    for there in (True, False):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda there=there: there)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
        assert choose_precision("auto", CPU) == (torch.bfloat16 if there else torch.float32)


def test_a_stream_gives_the_rows_of_each_batch(pack: Pack) -> None:
    some = photos(11)
    whole = pack.encode_images(some)
    batches = [some[:4], some[4:5], some[5:]]
    rows = list(pack.encode_stream(iter(batches)))
    assert [len(each) for each in rows] == [4, 1, 6]
    assert np.abs(np.concatenate(rows) - whole).max() < 2e-5
    assert list(pack.encode_stream([])) == []


def test_the_next_batch_is_sent_off_before_rows_are_waited_for(pack: Pack) -> None:
    """What lets a GPU go on while the CPU fetches: seen in the order of calls."""
    said: list[str] = []

    class Noting(TowerForward):
        def start(self, squares: torch.Tensor) -> Started:
            said.append(f"start {len(squares)}")
            return super().start(squares)

    forward = Noting(pack.forward._tower, Preprocessing())
    for rows in forward.stream([photos(3), photos(2), photos(1)]):
        said.append(f"rows {len(rows)}")
    assert said == ["start 3", "start 2", "rows 3", "start 1", "rows 2", "rows 1"]


def test_a_batch_that_does_not_fit_is_halved(pack: Pack) -> None:
    class Small(TowerForward):
        def start(self, squares: torch.Tensor) -> Started:
            if len(squares) > 2:
                raise torch.OutOfMemoryError
            return super().start(squares)

    some = photos(7)
    forward = Small(pack.forward._tower, Preprocessing(), batch=8)
    assert np.abs(np.concatenate(list(forward.encode(some))) - pack.encode_images(some)).max() < 2e-5
    assert forward.batch <= 2


def test_threads_may_share_a_pack(fast: Pack) -> None:
    some = photos(12)
    alone = fast.encode_images(some)
    with ThreadPoolExecutor(4) as threads:
        rows = list(threads.map(lambda n: fast.encode_images([some[n]])[0], range(12)))
    assert (np.stack(rows) * alone).sum(1).min() > 0.9999


# --- how many at once ---


def test_sizes_are_doubled_while_that_gains_and_memory_lasts(pack: Pack) -> None:
    tried = list(try_batches(pack.forward))
    assert [each.batch for each in tried] == [2**n for n in range(len(tried))] and 3 <= len(tried) <= 7
    assert all(each.rate > 0 and each.memory_mb >= 0 for each in tried)
    best = best_batch(tried)
    assert best in tried and 1.05 * best.rate >= max(each.rate for each in tried)
    assert [each.memory_mb for each in tried] == sorted(each.memory_mb for each in tried)
    assert [each.batch for each in try_batches(pack.forward, memory_mb=-1)] == [1]


def test_the_smallest_of_the_nearly_fastest_is_taken() -> None:
    tried = [Tried(1, 60, 1), Tried(2, 80, 1), Tried(4, 99, 1), Tried(8, 100, 1), Tried(16, 90, 1)]
    assert best_batch(tried).batch == 4


def test_what_was_found_is_remembered_by_machine_precision_and_pack(
    pack: Pack, fast: Pack, tmp_path: Path
) -> None:
    sizes = BatchSizes(tmp_path / "run" / "batches.json")
    assert sizes.of(pack.forward, "a") == 8  # a CPU that nobody has measured
    assert sizes.note(pack.forward, "a", [Tried(1, 10, 0), Tried(2, 20, 0)]) == 2
    assert sizes.note(fast.forward, "a", [Tried(4, 10, 0)]) == 4
    again = batch_sizes(tmp_path)
    assert (again.of(pack.forward, "a"), again.of(fast.forward, "a")) == (2, 4)
    assert again.of(pack.forward, "b") == 8 and batch_sizes(tmp_path, fixed=5).of(pack.forward, "a") == 5
    again.path.write_text("{ cut")
    assert again.of(pack.forward, "a") == 8
    packs = Packs(lambda _: SHIPPED, precision="bf16", size=batch_sizes(tmp_path, fixed=3).of)
    loaded = packs.get(pack.fingerprint)
    assert (loaded.batch, loaded.forward.dtype) == (3, torch.bfloat16)


# --- reading ahead ---


def test_things_are_made_ahead_and_come_in_order() -> None:
    made: list[int] = []

    def make(item: int) -> int:
        time.sleep(0.02 if item == 0 else 0)
        made.append(item)
        return item * 10

    with ThreadPoolExecutor(2) as threads:
        given = ahead(make, range(6), threads, depth=2)
        assert next(given) == 0
        deadline = time.monotonic() + 5
        while len(made) < 3 and time.monotonic() < deadline:
            time.sleep(0.005)
        assert sorted(made) == [0, 1, 2]  # two ahead of the one that was asked for, and no more
        assert list(given) == [10, 20, 30, 40, 50]


def test_what_goes_wrong_is_raised_in_its_turn_and_ends_it() -> None:
    begun: list[int] = []

    def make(item: int) -> int:
        begun.append(item)
        if item == 1:
            raise OSError("gone")
        return item

    def items() -> Iterator[int]:
        yield from range(50)

    with ThreadPoolExecutor(1) as threads:
        given = ahead(make, items(), threads, depth=1)
        assert next(given) == 0
        with pytest.raises(OSError, match="gone"):
            next(given)
    assert len(begun) <= 4


def test_reading_goes_on_while_the_forward_pass_runs(pack: Pack) -> None:
    """Each batch is read while the one before is encoded: neither waits for the other's whole time."""
    busy = threading.Event()
    overlapped = []

    class Watched(TowerForward):
        def start(self, squares: torch.Tensor) -> Started:
            busy.set()
            time.sleep(0.05)
            started = super().start(squares)
            busy.clear()
            return started

    def read(number: int) -> Sequence[Pixels]:
        time.sleep(0.03)
        overlapped.append(busy.is_set())
        return photos(2, seed=number)

    forward = Watched(pack.forward._tower, Preprocessing())
    with ThreadPoolExecutor(1) as threads:
        rows = list(forward.stream(ahead(read, range(6), threads)))
    assert len(rows) == 6 and any(overlapped)
