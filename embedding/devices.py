"""A GPU of its own for each process that asks for a free one, on one machine and in its containers."""

import fcntl
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from embedding.errors import DeviceRefused

FREE = "cuda:free"
_held: dict[Path, IO[str]] = {}  # open as long as the process: the lock ends with it, however it ends


def claim_device(wanted: str, folder: Path) -> str:
    """The Torch device to use: `wanted` as it is, or for `cuda:free` a GPU that no other process has claimed.

    GPUs are told apart by their own serial numbers, so that processes which share `folder` agree on them
    whatever part of the machine each of them sees. Raises DeviceRefused when none is there, or none free.
    """
    if wanted != FREE:
        return wanted
    return f"cuda:{claim_first(_gpus(), folder)}"


def claim_first(serials: Sequence[str], folder: Path) -> int:
    """Lock the first of these GPUs that nobody holds; return its number. Raises DeviceRefused."""
    if not serials:
        raise DeviceRefused(
            "TWIRL_DEVICE=cuda:free, but PyTorch sees no GPU.",
            "check the driver and the container's devices (nvidia-smi), or set TWIRL_DEVICE=cpu",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for number, serial in enumerate(serials):
        path = folder / f"gpu-{serial}.lock"
        if path in _held:
            return number
        lock = path.open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        _held[path] = lock
        return number
    raise DeviceRefused(
        f"All {len(serials)} GPUs are taken by other processes.",
        "start as many workers as there are GPUs, or name one to share: TWIRL_DEVICE=cuda:0",
    )


def _gpus() -> list[str]:
    import torch

    return [str(torch.cuda.get_device_properties(n).uuid) for n in range(torch.cuda.device_count())]
