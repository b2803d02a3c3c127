"""Another model pack for tests and benchmarks: the shipped one with disturbed weights."""

from dataclasses import replace
from pathlib import Path

import torch

from embedding.pack_files import PackInfo, read_info, read_weights, write_pack

SHIPPED = Path(__file__).parents[2] / "packs" / "twirl-small"


def disturbed_pack(folder: Path, name: str = "twirl-other", share: float = 1.0, seed: int = 5) -> PackInfo:
    """Write a pack whose heads and composer differ from the shipped one's by `share` of their spread.

    It answers sensibly, and otherwise: another fingerprint, other vectors, other ranks.
    """
    info = read_info(SHIPPED)
    noise = torch.Generator().manual_seed(seed)
    tensors = read_weights(SHIPPED, info)
    for key, tensor in sorted(tensors.items()):  # as read, their order changes from process to process
        if not key.startswith("image.vit.") and tensor.is_floating_point() and tensor.ndim > 1:
            tensors[key] = tensor + share * tensor.std() * torch.randn(tensor.shape, generator=noise)
    return write_pack(folder, replace(info, name=name, description="Disturbed, for tests."), tensors)
