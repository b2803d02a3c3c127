"""SigLIP encoders in OpenCLIP's own files become those that `transformers` reads.

    open_clip_config.json            what is built: timm's image tower, OpenCLIP's text tower
    open_clip_model.safetensors      the weights, or model.safetensors with the same names

Encoders that were tuned for shops are often published so (FashionSigLIP is), with program code beside it that
Twirl never runs. The networks are the same; a test holds the vectors to those of OpenCLIP and timm.
"""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from embedding.errors import PackRefused

CONFIG = "open_clip_config.json"
FILES = ("open_clip_model.safetensors", "model.safetensors")
TOKENIZER = "tokenizer.json"
_NAME = re.compile(r"vit_(\w+?)_patch(\d+)_siglip_(\d+)")
_TANH = ("base_patch32", "large_patch16_siglip_512", "so400m_patch16", "giantopt")  # as timm 1.0 builds them
_RESAMPLE = {"bilinear": 2, "bicubic": 3}
_BLOCK = {"norm1": "layer_norm1", "norm2": "layer_norm2", "attn.proj": "self_attn.out_proj",
          "mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2"}  # fmt: skip
_TEXT_BLOCK = {"ln_1": "layer_norm1", "ln_2": "layer_norm2", "attn.out_proj": "self_attn.out_proj",
               "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2"}  # fmt: skip


def is_open_clip(folder: Path, config: dict[str, Any]) -> bool:
    """Whether the folder is to be read as OpenCLIP's: `transformers` alone cannot, by its `config.json`."""
    return (folder / CONFIG).is_file() and ("auto_map" in config or "vision_config" not in config)


def strips_punctuation(folder: Path) -> bool:
    """Whether the encoder was trained on texts without punctuation. Raises PackRefused."""
    text = _config(folder)["model_cfg"]["text_cfg"]
    return bool(text.get("tokenizer_kwargs", {}).get("clean") == "canonicalize")


def convert(folder: Path, into: Path) -> None:
    """Write what `transformers` reads into another folder. Raises PackRefused."""
    said = _config(folder)
    state = _weights(folder)
    vision, text = said["model_cfg"]["vision_cfg"], said["model_cfg"]["text_cfg"]
    try:
        renamed = dict(_renamed(state))
        config = _siglip(vision, text, state)
    except KeyError as error:
        raise _refused(f"a weight is missing, {error}") from error
    save_file(renamed, into / "model.safetensors")
    _write(into / "config.json", config)
    _write(
        into / "preprocessor_config.json", _processor(said.get("preprocess_cfg", {}), vision["image_size"])
    )
    if not (folder / TOKENIZER).is_file():
        raise PackRefused(
            "encoder-tokenizer", f"There is no {TOKENIZER} beside {CONFIG}.",
            f"Put that of {text.get('hf_tokenizer_name', 'the encoder')} there.",
        )  # fmt: skip
    shutil.copyfile(folder / TOKENIZER, into / TOKENIZER)
    _write(into / "tokenizer_config.json", _tokenizer(folder, text["context_length"]))


def _config(folder: Path) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        vision, text = said["model_cfg"]["vision_cfg"], said["model_cfg"]["text_cfg"]
    except (ValueError, KeyError, TypeError) as error:
        raise _refused(f"{CONFIG} can't be read: {error!r}") from error
    wanted = vision.get("timm_pool") == "map" and vision.get("timm_proj", "none") in ("none", "")
    spoken = text.get("no_causal_mask") and text.get("proj_bias") and text.get("pool_type") == "last"
    if not (_NAME.fullmatch(str(vision.get("timm_model_name"))) and wanted and spoken):
        raise PackRefused(
            "encoder-unknown", f"{CONFIG} describes an encoder that is no SigLIP.",
            "Give a revision or a copy that was published for `transformers`.",
        )  # fmt: skip
    return said


def _weights(folder: Path) -> dict[str, Tensor]:
    """OpenCLIP's tensors by OpenCLIP's names, as float32."""
    there = next((folder / name for name in FILES if (folder / name).is_file()), None)
    if there is None:
        raise PackRefused(
            "encoder-pickled", f"There are no weights as safetensors beside {CONFIG}.",
            "Twirl opens nothing that could run code: give a revision that has them.",
        )  # fmt: skip
    try:
        return {name.removeprefix("model."): each.float() for name, each in load_file(there).items()}
    except SafetensorError as error:
        raise _refused(f"{there.name} can't be read: {error}") from error


def _renamed(state: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """OpenCLIP's names -> those of `transformers`; joined projections are split, or joined anew."""
    trunk, pool = "visual.trunk", "visual.trunk.attn_pool"
    yield "vision_model.embeddings.position_embedding.weight", state[f"{trunk}.pos_embed"][0]
    yield "vision_model.head.probe", state[f"{pool}.latent"]
    yield "text_model.embeddings.token_embedding.weight", state["text.token_embedding.weight"]
    yield "text_model.embeddings.position_embedding.weight", state["text.positional_embedding"]
    for part in ("weight", "bias"):
        yield f"vision_model.embeddings.patch_embedding.{part}", state[f"{trunk}.patch_embed.proj.{part}"]
        yield f"vision_model.post_layernorm.{part}", state[f"{trunk}.norm.{part}"]
        joined = torch.cat([state[f"{pool}.q.{part}"], state[f"{pool}.kv.{part}"]])
        yield f"vision_model.head.attention.in_proj_{part}", joined
        yield f"vision_model.head.attention.out_proj.{part}", state[f"{pool}.proj.{part}"]
        yield f"vision_model.head.layernorm.{part}", state[f"{pool}.norm.{part}"]
        for layer in ("fc1", "fc2"):
            yield f"vision_model.head.mlp.{layer}.{part}", state[f"{pool}.mlp.{layer}.{part}"]
        yield f"text_model.final_layer_norm.{part}", state[f"text.ln_final.{part}"]
        yield f"text_model.head.{part}", state[f"text.text_projection.{part}"]
    yield from _blocks(state, f"{trunk}.blocks", "vision_model", "attn.qkv.{}", _BLOCK)
    yield from _blocks(state, "text.transformer.resblocks", "text_model", "attn.in_proj_{}", _TEXT_BLOCK)


def _blocks(
    state: dict[str, Tensor], theirs: str, tower: str, joined: str, names: dict[str, str]
) -> Iterator[tuple[str, Tensor]]:
    for number in range(_depth(state, theirs)):
        old, new = f"{theirs}.{number}", f"{tower}.encoder.layers.{number}"
        for part in ("weight", "bias"):
            for their, our in names.items():
                yield f"{new}.{our}.{part}", state[f"{old}.{their}.{part}"]
            split = state[f"{old}.{joined.format(part)}"].chunk(3)
            for role, tensor in zip("qkv", split, strict=True):
                yield f"{new}.self_attn.{role}_proj.{part}", tensor.contiguous()


def _depth(state: dict[str, Tensor], blocks: str) -> int:
    """How many blocks there are."""
    inside = (name.removeprefix(f"{blocks}.") for name in state if name.startswith(f"{blocks}."))
    return 1 + max((int(name.split(".")[0]) for name in inside), default=-1)


def _siglip(vision: dict[str, Any], text: dict[str, Any], state: dict[str, Tensor]) -> dict[str, Any]:
    """The configuration of `transformers`. In all published ones both towers have as many heads."""
    trunk, spoken = "visual.trunk", "text.transformer.resblocks"
    heads = {"num_attention_heads": int(text["heads"])}
    smooth = any(each in vision["timm_model_name"] for each in _TANH)
    seen = _tower(state[f"{trunk}.blocks.0.mlp.fc1.weight"], _depth(state, f"{trunk}.blocks"), smooth, 1e-6)
    smooth = text.get("act_kwargs", {}).get("approximate") == "tanh"
    eps = float(text.get("norm_kwargs", {}).get("eps", 1e-5))
    said = _tower(state[f"{spoken}.0.mlp.c_fc.weight"], _depth(state, spoken), smooth, eps)
    sides = {
        "image_size": int(vision["image_size"]),
        "patch_size": int(state[f"{trunk}.patch_embed.proj.weight"].shape[-1]),
    }
    lengths = {
        "vocab_size": int(state["text.token_embedding.weight"].shape[0]),
        "max_position_embeddings": int(state["text.positional_embedding"].shape[0]),
        "projection_size": int(state["text.text_projection.weight"].shape[0]),
    }
    return {
        "model_type": "siglip", "vision_config": seen | heads | sides, "text_config": said | heads | lengths,
    }  # fmt: skip


def _tower(up: Tensor, depth: int, smooth: bool, eps: float) -> dict[str, Any]:
    return {
        "hidden_size": up.shape[1], "intermediate_size": up.shape[0], "num_hidden_layers": depth,
        "hidden_act": "gelu_pytorch_tanh" if smooth else "gelu", "layer_norm_eps": eps,
    }  # fmt: skip


def _processor(said: dict[str, Any], side: int) -> dict[str, Any]:
    """How `transformers` shapes a photo as OpenCLIP does."""
    half = [0.5, 0.5, 0.5]
    how, resample = said.get("resize_mode", "shortest"), _RESAMPLE.get(said.get("interpolation", "bicubic"))
    if how not in ("squash", "shortest") or resample is None:
        raise _refused(f"photos would be shaped by {how!r}, {said.get('interpolation')!r}")
    square = {"height": side, "width": side}
    shaped = {"size": square} if how == "squash" else {"size": {"shortest_edge": side}, "crop_size": square}
    return shaped | {
        "image_processor_type": "SiglipImageProcessor" if how == "squash" else "CLIPImageProcessor",
        "do_resize": True, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
        "do_center_crop": how == "shortest", "resample": resample,
        "image_mean": said.get("mean", half), "image_std": said.get("std", half),
    }  # fmt: skip


def _tokenizer(folder: Path, tokens: int) -> dict[str, Any]:
    """tokenizer.json as it stands, without the class that its folder names; what pads is kept."""
    path = folder / "tokenizer_config.json"
    said = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    named = {
        name: said[name] for name in ("pad_token", "eos_token", "unk_token", "bos_token") if said.get(name)
    }
    return {"pad_token": "</s>"} | named | {
        "tokenizer_class": "PreTrainedTokenizerFast", "model_input_names": ["input_ids"],
        "model_max_length": int(tokens), "padding_side": "right",
    }  # fmt: skip


def _write(path: Path, said: dict[str, Any]) -> None:
    path.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def _refused(why: str) -> PackRefused:
    return PackRefused("encoder-damaged", f"OpenCLIP's files do not fit: {why}.", "Give them as published.")
