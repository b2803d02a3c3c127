"""Features of a tower at rest, kept between runs: to look at pictures takes longer than to learn."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

from embedding.towers import ImageTower


def kept(path: Path, make: Callable[[], tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """What `make` gives: read from `path` if it is there, else made and written."""
    if path.is_file():
        found = load_file(path)
        return tuple(found[str(n)] for n in range(len(found)))
    made = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({str(n): tensor.contiguous() for n, tensor in enumerate(made)}, path)
    return made


def tower_name(tower: ImageTower, *about: object) -> str:
    """16 hex digits of all that decides the tower's features, and of whatever else is given."""
    found = hashlib.sha256(repr((tower.formed, *about)).encode())
    for name, tensor in sorted(tower.state_dict().items()):
        if name.startswith(("vit.", "look.")):
            found.update(tensor.float().numpy().tobytes())
    return found.hexdigest()[:16]
