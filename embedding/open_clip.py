"""CLIP and SigLIP encoders in OpenCLIP's own files become those that `transformers` reads.

    open_clip_config.json            what is built: OpenCLIP's own towers, or timm's for photos
    open_clip_model.safetensors      the weights, or model.safetensors with the same names

Encoders that were tuned for shops are often published so (FashionSigLIP is), with program code beside it that
Twirl never runs. The networks are the same; a test holds the vectors to those of OpenCLIP and timm.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from embedding.errors import PackRefused
from embedding.open_clip_names import clip, siglip

CONFIG = "open_clip_config.json"
FILES = ("open_clip_model.safetensors", "model.safetensors")
TOKENIZER = "tokenizer.json"
_SIGLIP = re.compile(r"vit_(\w+?)_patch(\d+)_siglip_(\d+)")
_RESAMPLE = {"bilinear": 2, "bicubic": 3}
# What may be said of a CLIP: each other option of OpenCLIP's builds something else.
_MODEL = {"embed_dim", "quick_gelu", "vision_cfg", "text_cfg", "custom_text"}
_PLAIN = {"image_size", "layers", "width", "head_width", "patch_size", "mlp_ratio", "patch_dropout"}
_SPOKEN = {"context_length", "vocab_size", "width", "heads", "layers", "mlp_ratio", "pool_type",
           "hf_tokenizer_name", "tokenizer_kwargs"}  # fmt: skip
# Where nothing is said of them, OpenCLIP takes those of OpenAI's CLIP.
_MEAN, _STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def is_open_clip(folder: Path, config: dict[str, Any]) -> bool:
    """Whether the folder is to be read as OpenCLIP's: `transformers` alone cannot, by its `config.json`."""
    return (folder / CONFIG).is_file() and ("auto_map" in config or "vision_config" not in config)


def described(folder: Path) -> tuple[str, bool]:
    """The architecture, and whether texts lose their punctuation as in training. Raises PackRefused."""
    said = _config(folder)["model_cfg"]
    cleaned = said["text_cfg"].get("tokenizer_kwargs", {}).get("clean")
    return _family(said), cleaned == "canonicalize"


def convert(folder: Path, into: Path) -> None:
    """Write what `transformers` reads into another folder. Raises PackRefused."""
    said = _config(folder)
    model, state = said["model_cfg"], _weights(folder)
    try:
        tensors, config = (siglip if _family(model) == "siglip" else clip)(model, state)
    except KeyError as error:
        raise _refused(f"something is missing, {error}") from error
    save_file(tensors, into / "model.safetensors")
    _write(into / "config.json", config)
    shaped = _processor(said.get("preprocess_cfg", {}), int(model["vision_cfg"]["image_size"]))
    _write(into / "preprocessor_config.json", shaped)
    if not (folder / TOKENIZER).is_file():
        raise PackRefused(
            "encoder-tokenizer", f"There is no {TOKENIZER} beside {CONFIG}.",
            f"Put that of {model['text_cfg'].get('hf_tokenizer_name', 'the encoder')} there.",
        )  # fmt: skip
    shutil.copyfile(folder / TOKENIZER, into / TOKENIZER)
    ends = "</s>" if _family(model) == "siglip" else "<|endoftext|>"
    _write(into / "tokenizer_config.json", _tokenizer(folder, ends))


def _config(folder: Path) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        _ = said["model_cfg"]["vision_cfg"]["image_size"], said["model_cfg"]["text_cfg"]
    except (ValueError, KeyError, TypeError) as error:
        raise _refused(f"{CONFIG} can't be read: {error!r}") from error
    return said


def _family(said: dict[str, Any]) -> str:
    """`siglip` or `clip`. Raises PackRefused for all else that OpenCLIP builds."""
    vision, text = said["vision_cfg"], said["text_cfg"]
    pooled = vision.get("timm_pool") == "map" and vision.get("timm_proj", "none") in ("none", "")
    whole = text.get("no_causal_mask") and text.get("proj_bias") and text.get("pool_type") == "last"
    if _SIGLIP.fullmatch(str(vision.get("timm_model_name"))) and pooled and whole:
        return "siglip"
    plain = isinstance(vision.get("layers"), int) and set(vision) <= _PLAIN
    spoken = set(text) <= _SPOKEN and text.get("pool_type", "argmax") == "argmax"
    if plain and spoken and set(said) <= _MODEL:
        return "clip"
    raise PackRefused(
        "encoder-unknown", f"{CONFIG} describes neither a CLIP nor a SigLIP.",
        "Give a copy that was published for `transformers`.",
    )  # fmt: skip


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


def _processor(said: dict[str, Any], side: int) -> dict[str, Any]:
    """How `transformers` shapes a photo as OpenCLIP does."""
    how, resample = said.get("resize_mode", "shortest"), _RESAMPLE.get(said.get("interpolation", "bicubic"))
    if how not in ("squash", "shortest") or resample is None:
        raise _refused(f"photos would be shaped by {how!r}, {said.get('interpolation')!r}")
    square = {"height": side, "width": side}
    shaped = {"size": square} if how == "squash" else {"size": {"shortest_edge": side}, "crop_size": square}
    return shaped | {
        "image_processor_type": "SiglipImageProcessor" if how == "squash" else "CLIPImageProcessor",
        "do_resize": True, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
        "do_center_crop": how == "shortest", "resample": resample,
        "image_mean": said.get("mean", _MEAN), "image_std": said.get("std", _STD),
    }  # fmt: skip


def _tokenizer(folder: Path, ends: str) -> dict[str, Any]:
    """tokenizer.json as it stands, without the class that its folder names; what pads is kept."""
    path = folder / "tokenizer_config.json"
    said = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    kept = ("pad_token", "eos_token", "unk_token", "bos_token")
    named = {name: said[name] for name in kept if said.get(name)}
    plain = {"tokenizer_class": "PreTrainedTokenizerFast", "model_input_names": ["input_ids"]}
    return {"pad_token": ends, "padding_side": "right"} | named | plain


def _write(path: Path, said: dict[str, Any]) -> None:
    path.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def _refused(why: str) -> PackRefused:
    return PackRefused("encoder-damaged", f"OpenCLIP's files do not fit: {why}.", "Give them as published.")
