"""What is composed, between NumPy and Torch: checked on the way in, copied on the way out."""

import numpy as np
import torch
from torch import Tensor

from embedding.forward import Floats


def query_row(vector: Floats | None, width: int, what: str, device: str) -> Tensor | None:
    """(width,) of a photo or of words -> (1, width) on the device; ValueError for another shape."""
    if vector is None:
        return None
    if vector.shape != (width,):
        raise ValueError(f"the {what} vector must have shape ({width},), not {vector.shape}")
    return torch.from_numpy(np.array(vector, dtype=np.float32))[None].to(device)


def check_balance(balance: float) -> None:
    """ValueError for a balance outside of 0, the photo only, to 1, the words only."""
    if not 0 <= balance <= 1:
        raise ValueError(f"balance must lie between 0 and 1, not at {balance}")


def to_array(tensor: Tensor) -> Floats:
    """Any shape, on any device -> float32 of NumPy's own memory."""
    return np.ascontiguousarray(tensor.float().cpu().numpy())
