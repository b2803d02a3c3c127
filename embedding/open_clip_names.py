"""OpenCLIP's names of weights, and its configurations, as `transformers` has them: SigLIP and CLIP.

Sizes are read from the tensors; what no tensor shows (heads, activations, the eps of norms) from what
OpenCLIP says of the model, or from timm's name of the image tower.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

Said = dict[str, Any]  # `model_cfg` of open_clip_config.json, or a part of it
State = dict[str, Tensor]

_TANH = ("base_patch32", "large_patch16_siglip_512", "so400m_patch16", "giantopt")  # as timm 1.0 builds them
_TIMM = {"norm1": "layer_norm1", "norm2": "layer_norm2", "attn.proj": "self_attn.out_proj",
         "mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2"}  # fmt: skip
_OWN = {"ln_1": "layer_norm1", "ln_2": "layer_norm2", "attn.out_proj": "self_attn.out_proj",
        "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2"}  # fmt: skip
_TRUNK, _POOL = "visual.trunk", "visual.trunk.attn_pool"
_SEEN, _SPOKEN = "visual.transformer.resblocks", "transformer.resblocks"
_PARTS = ("weight", "bias")


def siglip(said: Said, state: State) -> tuple[State, Said]:
    """Tensors and configuration of a SigLIP: timm's image tower, OpenCLIP's text tower. Raises KeyError."""
    spoken = {name.removeprefix("text."): each for name, each in state.items() if name.startswith("text.")}
    vision, text = said["vision_cfg"], said["text_cfg"]
    heads = {"num_attention_heads": int(text["heads"])}  # in all published ones both towers have as many
    smooth = any(each in vision["timm_model_name"] for each in _TANH)
    seen = _tower(state, f"{_TRUNK}.blocks", "mlp.fc1", _gelu(smooth), 1e-6) | heads | {
        "image_size": int(vision["image_size"]),
        "patch_size": int(state[f"{_TRUNK}.patch_embed.proj.weight"].shape[-1]),
    }  # fmt: skip
    smooth = text.get("act_kwargs", {}).get("approximate") == "tanh"
    eps = float(text.get("norm_kwargs", {}).get("eps", 1e-5))
    read = _tower(spoken, _SPOKEN, "mlp.c_fc", _gelu(smooth), eps) | heads | _lengths(spoken)
    read |= {"projection_size": int(spoken["text_projection.weight"].shape[0])}
    config = {"model_type": "siglip", "vision_config": seen, "text_config": read}
    return dict(_siglip_tensors(state)) | dict(_text_tensors(spoken)) | _linear_head(spoken), config


def clip(said: Said, state: State) -> tuple[State, Said]:
    """Tensors and configuration of a CLIP whose towers are both OpenCLIP's own. Raises KeyError."""
    state = {name.removeprefix("text."): each for name, each in state.items()}
    vision, text, space = said["vision_cfg"], said["text_cfg"], {"projection_dim": int(said["embed_dim"])}
    act = "quick_gelu" if said.get("quick_gelu") else "gelu"
    seen = _tower(state, _SEEN, "mlp.c_fc", act, 1e-5) | space | {
        "num_attention_heads": int(vision["width"]) // int(vision.get("head_width", 64)),
        "image_size": int(vision["image_size"]), "patch_size": int(state["visual.conv1.weight"].shape[-1]),
    }  # fmt: skip
    read = _tower(state, _SPOKEN, "mlp.c_fc", act, 1e-5) | space | _lengths(state)
    last = read["vocab_size"] - 1  # the token that closes a text is the last; OpenCLIP pools where it is
    read |= {"num_attention_heads": int(text.get("heads", 8)), "eos_token_id": last, "pad_token_id": last}
    config = {"model_type": "clip", "vision_config": seen, "text_config": read | {"bos_token_id": last - 1}}
    return dict(_clip_tensors(state)) | dict(_text_tensors(state)), config | space


def _siglip_tensors(state: State) -> Iterator[tuple[str, Tensor]]:
    yield "vision_model.embeddings.position_embedding.weight", state[f"{_TRUNK}.pos_embed"][0]
    yield "vision_model.head.probe", state[f"{_POOL}.latent"]
    for part in _PARTS:
        yield f"vision_model.embeddings.patch_embedding.{part}", state[f"{_TRUNK}.patch_embed.proj.{part}"]
        yield f"vision_model.post_layernorm.{part}", state[f"{_TRUNK}.norm.{part}"]
        joined = torch.cat([state[f"{_POOL}.q.{part}"], state[f"{_POOL}.kv.{part}"]])
        yield f"vision_model.head.attention.in_proj_{part}", joined
        yield f"vision_model.head.attention.out_proj.{part}", state[f"{_POOL}.proj.{part}"]
        yield f"vision_model.head.layernorm.{part}", state[f"{_POOL}.norm.{part}"]
        for layer in ("fc1", "fc2"):
            yield f"vision_model.head.mlp.{layer}.{part}", state[f"{_POOL}.mlp.{layer}.{part}"]
    yield from _blocks(state, f"{_TRUNK}.blocks", "vision_model", "attn.qkv.{}", _TIMM)


def _clip_tensors(state: State) -> Iterator[tuple[str, Tensor]]:
    yield "vision_model.embeddings.class_embedding", state["visual.class_embedding"]
    yield "vision_model.embeddings.position_embedding.weight", state["visual.positional_embedding"]
    yield "vision_model.embeddings.patch_embedding.weight", state["visual.conv1.weight"]
    for part in _PARTS:
        yield f"vision_model.pre_layrnorm.{part}", state[f"visual.ln_pre.{part}"]  # spelled so over there
        yield f"vision_model.post_layernorm.{part}", state[f"visual.ln_post.{part}"]
    yield "visual_projection.weight", state["visual.proj"].T.contiguous()
    yield "text_projection.weight", state["text_projection"].T.contiguous()
    yield from _blocks(state, _SEEN, "vision_model", "attn.in_proj_{}", _OWN)


def _text_tensors(state: State) -> Iterator[tuple[str, Tensor]]:
    """OpenCLIP's text tower, its names without the prefix that some models give it."""
    yield "text_model.embeddings.token_embedding.weight", state["token_embedding.weight"]
    yield "text_model.embeddings.position_embedding.weight", state["positional_embedding"]
    for part in _PARTS:
        yield f"text_model.final_layer_norm.{part}", state[f"ln_final.{part}"]
    yield from _blocks(state, _SPOKEN, "text_model", "attn.in_proj_{}", _OWN)


def _linear_head(state: State) -> State:
    return {f"text_model.head.{part}": state[f"text_projection.{part}"] for part in _PARTS}


def _blocks(
    state: State, theirs: str, tower: str, joined: str, names: dict[str, str]
) -> Iterator[tuple[str, Tensor]]:
    """A tower's blocks; the joined projections of attention are split."""
    for number in range(_depth(state, theirs)):
        old, new = f"{theirs}.{number}", f"{tower}.encoder.layers.{number}"
        for part in _PARTS:
            for their, our in names.items():
                yield f"{new}.{our}.{part}", state[f"{old}.{their}.{part}"]
            split = state[f"{old}.{joined.format(part)}"].chunk(3)
            for role, tensor in zip("qkv", split, strict=True):
                yield f"{new}.self_attn.{role}_proj.{part}", tensor.contiguous()


def _tower(state: State, blocks: str, up: str, act: str, eps: float) -> Said:
    """Sizes of a tower, from the first layer of its first block's MLP."""
    mlp, width = state[f"{blocks}.0.{up}.weight"].shape
    return {
        "hidden_size": int(width), "intermediate_size": int(mlp), "num_hidden_layers": _depth(state, blocks),
        "hidden_act": act, "layer_norm_eps": eps,
    }  # fmt: skip


def _lengths(state: State) -> Said:
    return {
        "vocab_size": int(state["token_embedding.weight"].shape[0]),
        "max_position_embeddings": int(state["positional_embedding"].shape[0]),
    }


def _depth(state: State, blocks: str) -> int:
    """How many blocks there are."""
    inside = (name.removeprefix(f"{blocks}.") for name in state if name.startswith(f"{blocks}."))
    return 1 + max((int(name.split(".")[0]) for name in inside), default=-1)


def _gelu(smooth: bool) -> str:
    return "gelu_pytorch_tanh" if smooth else "gelu"
