"""Pretrained weights, read from their published form as the start of training. They are never shipped."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor


def vit_state(published: dict[str, Tensor], depth: int = 12) -> dict[str, Tensor]:
    """Tensors named as `transformers.ViTModel` names them -> those of `embedding.vit.ViT`, float32."""
    state = {name: tensor.to(torch.float32) for name, tensor in published.items()}
    outside = {"cls": "embeddings.cls_token", "position": "embeddings.position_embeddings"}
    parts = ("weight", "bias")
    outside |= {f"patch.{part}": f"embeddings.patch_embeddings.projection.{part}" for part in parts}
    outside |= {f"norm.{part}": f"layernorm.{part}" for part in parts}
    inside = {"attention.out": "attention.output.dense", "up": "intermediate.dense", "down": "output.dense"}
    inside |= {"norm1": "layernorm_before", "norm2": "layernorm_after"}
    renamed = {ours: state[theirs] for ours, theirs in outside.items()}
    for n in range(depth):
        layer = f"encoder.layer.{n}"
        for part in parts:
            renamed |= {
                f"blocks.{n}.{ours}.{part}": state[f"{layer}.{old}.{part}"] for ours, old in inside.items()
            }
            split = [
                state[f"{layer}.attention.attention.{role}.{part}"] for role in ("query", "key", "value")
            ]
            renamed[f"blocks.{n}.attention.qkv.{part}"] = torch.cat(split)
    return renamed


def deit_to_vit(directory: Path) -> dict[str, Tensor]:
    """The DeiT-tiny directory of the data folder as the state of our `ViT`."""
    return vit_state(load_file(directory / "model.safetensors"))
