"""What the towers see of each picture, kept on disk: a second training looks at new pictures only."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from embedding.preprocess import Pixels
from training.catalogue.heads import Heads

BATCH = 16
SAVED = 64  # batches between two saves: what an interruption costs at most
Progress = Callable[[int, int | None], None]


class PictureUnreadable(Exception):
    """A picture of the catalogue cannot be read: a gap in silence would make every figure a lie."""

    def __init__(self, path: Path, cause: Exception) -> None:
        super().__init__(f"{path} cannot be read: {cause}.")
        self.code, self.message = "picture-unreadable", f"{path} cannot be read: {cause}."
        self.fix = "`twirl doctor --repair` fetches lost pictures again; then run it again: it goes on."


class FeatureCache:
    """Features by the content of the picture and the trunk that looked at it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def features(self, heads: Heads, pictures: Sequence[Path], progress: Progress) -> Tensor:
        """(N, F) float32 of N pictures; those not seen before are looked at and kept.

        Raises PictureUnreadable.
        """
        path = self._path(heads)
        known = _read(path)
        keys = [_content(picture) for picture in pictures]
        missing = {key: picture for key, picture in zip(keys, pictures, strict=True) if key not in known}
        done = len(keys) - len(missing)
        progress(done, len(keys))
        for number, batch in enumerate(_batches(list(missing.items())), start=1):
            rows = heads.look([_pixels(picture) for _, picture in batch])
            known |= {key: row.clone() for (key, _), row in zip(batch, rows, strict=True)}
            done += len(batch)
            progress(min(done, len(keys)), len(keys))
            if number % SAVED == 0:
                _write(path, known)
        if missing:
            _write(path, known)
        return torch.stack([known[key] for key in keys])

    def put(self, heads: Heads, pictures: Sequence[Path], rows: Tensor) -> None:
        """Keep (N, F) features of N pictures that were looked at elsewhere. Raises PictureUnreadable."""
        path = self._path(heads)
        _write(path, _read(path) | dict(zip(map(_content, pictures), rows, strict=True)))

    def _path(self, heads: Heads) -> Path:
        return self.folder / f"features-{heads.trunk}.safetensors"


def _batches(pictures: list[tuple[str, Path]]) -> Iterator[list[tuple[str, Path]]]:
    for start in range(0, len(pictures), BATCH):
        yield pictures[start : start + BATCH]


def _content(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:32]
    except OSError as error:
        raise PictureUnreadable(path, error) from error


def _pixels(path: Path) -> Pixels:
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise PictureUnreadable(path, error) from error


def _read(path: Path) -> dict[str, Tensor]:
    """What is kept; nothing where it cannot be read: it can always be made again."""
    if not path.is_file():
        return {}
    try:
        kept = load_file(path)
    except (SafetensorError, OSError):
        return {}
    names = bytes(kept["names"].numpy()).decode().split()
    return dict(zip(names, kept["rows"], strict=True))


def _write(path: Path, known: dict[str, Tensor]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    names = torch.frombuffer(bytearray(" ".join(known).encode()), dtype=torch.uint8)
    beside = path.with_suffix(".part")
    save_file({"names": names, "rows": torch.stack(list(known.values()))}, beside)
    os.replace(beside, path)  # noqa: PTH105 - one call, atomic
