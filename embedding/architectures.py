"""The encoders of photos and words that `transformers` knows, and how one is read from a folder.

`transformers` takes seconds to import and belongs to the extra `encoders`: it is imported when such a pack is
loaded. Only its own classes are built, by name; code that a folder brings along never runs.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from embedding.errors import PackRefused

Read = TypeVar("Read")
_ONE_AT_A_TIME = threading.Lock()  # building a model changes settings of torch for the whole process
_NOT_READ = {"logit_scale", "logit_bias"}  # of the training loss: no vector depends on them


@dataclass(frozen=True)
class Architecture:
    """How the encoders of one family are used."""

    title: str
    model: str  # the class in `transformers`
    pad_to_full: bool  # texts are padded to the full length, as in training
    patches: bool  # a photo goes in as patches, as many as its shape asks for


ARCHITECTURES = {
    "clip": Architecture("CLIP", "CLIPModel", pad_to_full=False, patches=False),
    "siglip": Architecture("SigLIP", "SiglipModel", pad_to_full=True, patches=False),
    "siglip2": Architecture("SigLIP 2 NaFlex", "Siglip2Model", pad_to_full=True, patches=True),
}


def import_transformers() -> Any:
    """The library, its chatter turned off; PackRefused where the extra is not installed."""
    try:
        import transformers
    except ImportError as error:
        raise PackRefused(
            "encoders-extra", f"This pack needs the package {error.name}, which is not installed.",
            "pip install 'twirl[encoders]'",
        ) from error  # fmt: skip
    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    return transformers


def read_model(folder: Path, architecture: str) -> nn.Module:
    """The network with its weights, as float32, in evaluation mode. Raises PackRefused."""
    library = import_transformers()
    build = getattr(library, ARCHITECTURES[architecture].model).from_pretrained

    how = {"local_files_only": True, "use_safetensors": True, "output_loading_info": True}
    with _ONE_AT_A_TIME:
        model, found = _reading("weights", lambda: build(folder, dtype=torch.float32, **how))
    missing = sorted({*found["missing_keys"]} - _NOT_READ)
    if missing or found["mismatched_keys"]:
        raise PackRefused(
            "encoder-weights",
            f"The weights do not fit config.json: {len(missing)} tensors are missing {missing[:3]}.",
            "Give the folder of the whole encoder, text and image, as it was published.",
        )
    network: nn.Module = model.eval()
    return network


def read_tokenizer(folder: Path) -> Any:
    """The tokenizer, as `transformers` reads it. Raises PackRefused."""
    library = import_transformers()
    return _reading(
        "tokenizer",
        lambda: library.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False),
    )


def read_image_processor(folder: Path) -> Any:
    """What makes the tower's input of a photo, on Pillow. Raises PackRefused."""
    library = import_transformers()
    return _reading(
        "preprocessor",
        lambda: library.AutoImageProcessor.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, backend="pil"
        ),
    )


def compute_in(tower: nn.Module, dtype: torch.dtype) -> None:
    """Turn the weights of all products into this type. Norms and what the blocks add up stay float32.

    The pooling head's attention stays too: its weights are used without passing through its modules.
    """
    if dtype == torch.float32:
        return
    kept = {
        id(inner)
        for each in tower.modules()
        if isinstance(each, nn.MultiheadAttention)
        for inner in each.modules()
    }
    for module in tower.modules():
        if isinstance(module, nn.Linear | nn.Conv2d) and id(module) not in kept:
            module.to(dtype).register_forward_pre_hook(_cast)


def _cast(module: nn.Module, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    return (given[0].to(module.weight.dtype), *given[1:])  # type: ignore[arg-type]


def _reading(what: str, read: Callable[[], Read]) -> Read:
    try:
        return read()
    except PackRefused:
        raise
    except Exception as error:  # what it raises for files that it cannot read has no common type
        said = str(error).strip().split("\n")[0][:300]
        raise PackRefused(
            f"encoder-{what}", f"The encoder's {what} cannot be read: {said}",
            "Give the folder whole, as it was published; what reads it: pip install 'twirl[encoders]'.",
        ) from error  # fmt: skip
