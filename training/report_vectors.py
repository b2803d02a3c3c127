"""Vectors of a gallery, kept beside the report: a pack that is measured again encodes nothing again."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from embedding.pack import Pack
from embedding.preprocess import Pixels

Floats = npt.NDArray[np.float32]


def gallery_vectors(pack: Pack, gallery: Sequence[Pixels], folder: Path | None) -> Floats:
    """(N, D) vectors of N images; with `folder`, kept there by fingerprint and pixels."""
    if folder is None:
        return pack.encode_images(gallery)
    digest = hashlib.sha256(pack.fingerprint.encode())
    for image in gallery:
        digest.update(repr(image.shape).encode())
        digest.update(np.ascontiguousarray(image).data)
    path = folder / f"vectors-{digest.hexdigest()[:24]}.npy"
    if path.is_file():
        return np.asarray(np.load(path), np.float32)
    vectors = pack.encode_images(gallery)
    folder.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".partial.npy")
    np.save(beside, vectors)
    beside.replace(path)
    return vectors
