"""Checkpoints of a training loop: tensors in safetensors, the rest as JSON inside it, nothing that unpickles.

A run that is resumed goes on as if it had never been interrupted: weights, the optimiser's moments, every
generator of random numbers and the loop's own state are in the file.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

Tensors = dict[str, Tensor]


def save_checkpoint(path: Path, step: int, tensors: Tensors, facts: dict[str, Any]) -> None:
    """Write whole or not at all; `facts` must be JSON."""
    beside = path.with_suffix(".partial")
    kept = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
    save_file(kept, beside, {"state": json.dumps({"step": step, **facts})})
    os.replace(beside, path)  # noqa: PTH105 - one call, atomic


def read_checkpoint(path: Path) -> tuple[int, Tensors, dict[str, Any]]:
    """(step, tensors, facts) of a checkpoint."""
    with safe_open(path, framework="pt") as file:
        facts = json.loads(file.metadata()["state"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    return int(facts.pop("step")), tensors, facts


def module_tensors(prefix: str, module: nn.Module) -> Tensors:
    """The weights and buffers of a module under a prefix."""
    return {f"{prefix}.{name}": tensor for name, tensor in module.state_dict().items()}


def load_module(prefix: str, module: nn.Module, tensors: Tensors) -> None:
    """Put back what `module_tensors` gave."""
    module.load_state_dict(_under(prefix, tensors))


def optimiser_tensors(prefix: str, optimiser: torch.optim.Optimizer) -> Tensors:
    """The moments of each parameter, by its number."""
    state = optimiser.state_dict()["state"]
    return {
        f"{prefix}.{number}.{name}": torch.as_tensor(value)
        for number, moments in state.items()
        for name, value in moments.items()
    }


def load_optimiser(prefix: str, optimiser: torch.optim.Optimizer, tensors: Tensors) -> None:
    """Put back what `optimiser_tensors` gave; rates and groups stay as they are configured."""
    state: dict[int, Tensors] = {}
    for name, tensor in _under(prefix, tensors).items():
        number, moment = name.split(".", 1)
        state.setdefault(int(number), {})[moment] = tensor
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})


def generator_facts(rng: np.random.Generator) -> dict[str, Any]:
    """The state of a NumPy generator as JSON."""
    return dict(rng.bit_generator.state)


def load_generator(rng: np.random.Generator, facts: dict[str, Any]) -> None:
    """Put back what `generator_facts` gave."""
    rng.bit_generator.state = facts


def _under(prefix: str, tensors: Tensors) -> Tensors:
    start = f"{prefix}."
    return {name.removeprefix(start): each for name, each in tensors.items() if name.startswith(start)}
