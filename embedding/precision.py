"""How exactly the vision transformer multiplies: in float32, or in bfloat16 where the processor has it.

In bfloat16 the vectors of the shipped pack keep a cosine above .999 with those of float32, and a search finds
the same (`python -m benchmarks.encode_precision`): the precision is no part of a pack's fingerprint, and
index and query may differ in it.
"""

import torch

PRECISIONS = ("auto", "fp32", "bf16")


def choose_precision(wanted: str, device: torch.device) -> torch.dtype:
    """The type that the vision transformer multiplies in: as wanted, or the fastest that the device has."""
    if wanted == "auto":
        return torch.bfloat16 if _has_bf16(device) else torch.float32
    return {"fp32": torch.float32, "bf16": torch.bfloat16}[wanted]


def _has_bf16(device: torch.device) -> bool:
    """Whether bfloat16 is computed by the hardware; emulated, it is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return any(
        bool(getattr(torch.cpu, name, bool)())  # not every version of PyTorch tells
        for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )
