"""The shipped pack gives the vectors that it gave when it was made: the guard against silent drift.

After training a new pack: python -m tests.golden.test_golden_vectors
"""

import json
from pathlib import Path

import numpy as np
import pytest

from embedding.pack import Pack, load_pack

HERE = Path(__file__).parent
PACK = HERE.parents[1] / "packs" / "twirl-small"
GOLDEN = HERE / "vectors.json"
TEXTS = ("same but in navy", "red floral midi dress", "with long sleeves", "")


def drawings() -> list[np.ndarray]:
    """Three pictures made of arithmetic, so that no photo need be kept."""
    down, across = np.mgrid[0:320, 0:240].astype(np.float64)
    stripes = np.stack([128 + 100 * np.sin(down / 9), 90 + across / 4, 200 - down / 3], axis=-1)
    garment = np.full((320, 240, 3), 236.0)
    garment[60:270, 60:180] = (170, 30, 45)
    dots = np.where(
        ((down % 40 - 20) ** 2 + (across % 40 - 20) ** 2 < 80)[..., None], 245.0, (30.0, 50.0, 90.0)
    )
    return [picture.clip(0, 255).astype(np.uint8) for picture in (stripes, garment, dots)]


def vectors(pack: Pack) -> dict[str, np.ndarray]:
    """Every kind of vector that a pack makes."""
    images, texts = pack.encode_images(drawings()), pack.encode_texts(TEXTS)
    return {"images": images, "texts": texts, "composed": pack.compose(images[1], texts[0])[None]}


@pytest.fixture(scope="module")
def golden() -> dict[str, list[list[float]]]:
    return json.loads(GOLDEN.read_text())


def test_the_golden_vectors_are_of_the_shipped_pack(golden):
    assert golden["fingerprint"] == load_pack(PACK).fingerprint


@pytest.mark.parametrize("kind", ["images", "texts", "composed"])
def test_vectors_are_what_they_were(golden, kind):
    found, wanted = vectors(load_pack(PACK))[kind], np.array(golden[kind], dtype=np.float32)
    assert found.shape == wanted.shape
    cosines = (found * wanted).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(wanted, axis=1)
    assert cosines.min() > 0.9999, cosines
    assert np.abs(found - wanted).max() < 2e-3


def test_in_bf16_they_are_nearly_what_they_were(golden):
    found, wanted = vectors(load_pack(PACK, precision="bf16")), golden
    for kind, least in (("images", 0.999), ("texts", 0.9999), ("composed", 0.999)):
        rows, known = found[kind], np.array(wanted[kind], dtype=np.float32)
        cosines = (rows * known).sum(1) / np.linalg.norm(rows, axis=1) / np.linalg.norm(known, axis=1)
        assert cosines.min() > least, (kind, cosines)


def test_two_runs_agree_to_the_bit():
    pack = load_pack(PACK)
    first, second = vectors(pack), vectors(pack)
    assert all(np.array_equal(first[kind], second[kind]) for kind in first)


if __name__ == "__main__":
    pack = load_pack(PACK)
    rows = {kind: np.round(found.astype(float), 5).tolist() for kind, found in vectors(pack).items()}
    GOLDEN.write_text(json.dumps({"fingerprint": pack.fingerprint, **rows}) + "\n")
