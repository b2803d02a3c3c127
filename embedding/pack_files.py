"""A pack on disk: `pack.json` and safetensors, nothing that unpickles.

`pack.json` names the weights' sha256, and the fingerprint hashes the configuration with the weights, so two
packs whose vectors could differ never share one.
"""

import dataclasses
import hashlib
import json
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from embedding.composer import Balance
from embedding.errors import PackRefused
from embedding.preprocess import Preprocessing
from embedding.towers import TowerConfig

FORMAT = 1
WEIGHTS = "weights.safetensors"
RESTORE = "Restore the pack from where it came, or train it again with: make train"

Record = TypeVar("Record")


@dataclass(frozen=True)
class PackConfig:
    """All that decides what vector comes out, apart from the weights."""

    tower: TowerConfig = field(default_factory=TowerConfig)
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    balance: Balance = field(default_factory=Balance)
    text_tower: str = "all-MiniLM-L6-v2"
    text_tower_sha256: str = ""
    # Whether the text tower hears what words ask for without how they ask (`embedding.plain_words`).
    plain_words: bool = field(default=False, metadata={"unwritten": False})
    # Below it what was found is of another kind than the photo; measured: `python -m benchmarks.no_match`.
    least_kinship: float = field(default=0.4, metadata={"unwritten": 0.4})


@dataclass(frozen=True)
class PackInfo:
    """The whole of `pack.json`."""

    format: int
    name: str
    description: str
    licence: str
    dimension: int  # D of the one index vector
    text_dimension: int  # T of a text vector
    fingerprint: str
    weights_sha256: str
    config: PackConfig
    training: dict[str, Any]  # data, seed, steps, hours: facts for the model card
    metrics: dict[str, Any]  # what was measured on held-out data when it was trained


def fingerprint(config: PackConfig, weights_sha256: str) -> str:
    """32 hex digits that change with the configuration or any weight."""
    canonical = json.dumps(written(config), sort_keys=True)
    return hashlib.sha256(f"{FORMAT}|{canonical}|{weights_sha256}".encode()).hexdigest()[:32]


def written(record: Any) -> dict[str, Any]:
    """A record as JSON; a field younger than the first packs is left out where it says what they were.

    So the fingerprints of packs that shops run stay what they are.
    """
    found: dict[str, Any] = {}
    for each in dataclasses.fields(record):
        value = getattr(record, each.name)
        if "unwritten" not in each.metadata or each.metadata["unwritten"] != value:
            found[each.name] = written(value) if dataclasses.is_dataclass(value) else value
    return found


def write_pack(directory: Path, info: PackInfo, tensors: dict[str, Tensor]) -> PackInfo:
    """Write weights (as fp16) and `pack.json`; returns `info` with its hashes filled in."""
    directory.mkdir(parents=True, exist_ok=True)
    data = save({name: tensor.detach().to(torch.float16).contiguous() for name, tensor in tensors.items()})
    digest = hashlib.sha256(data).hexdigest()
    whole = dataclasses.replace(info, weights_sha256=digest, fingerprint=fingerprint(info.config, digest))
    (directory / WEIGHTS).write_bytes(data)
    text = json.dumps(written(whole), indent=2, ensure_ascii=False)
    (directory / "pack.json").write_text(text + "\n", encoding="utf-8")
    return whole


def read_pack_json(directory: Path) -> dict[str, Any]:
    """What `pack.json` says, of either kind; PackRefused when it is missing or no JSON object."""
    path = directory / "pack.json"
    if not path.is_file():
        fix = "Point the setting for the model pack at a directory with a pack.json in it."
        raise PackRefused("pack-missing", f"There is no model pack in {directory}.", fix)
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise damaged(path, error) from error
    if not isinstance(raw, dict):
        raise damaged(path, "it is no object")
    return raw


def check_format(directory: Path, raw: dict[str, Any], wanted: int) -> None:
    """PackRefused when the pack was written by another version of Twirl."""
    if raw.get("format") != wanted:
        message = f"{directory / 'pack.json'} has format {raw.get('format')!r}, not {wanted}."
        raise PackRefused("pack-format", message, "Use a pack made by this version of Twirl.")


def check_fingerprint(directory: Path, said: str, found: str) -> None:
    """PackRefused when the configuration is not the one that the fingerprint was made of."""
    if said != found:
        message = f"{directory / 'pack.json'} was edited: its fingerprint does not fit its configuration."
        raise PackRefused("pack-fingerprint", message, RESTORE)


def damaged(path: Path, why: object) -> PackRefused:
    """The refusal of a `pack.json` that says something else than it must."""
    return PackRefused("pack-damaged", f"{path} can't be read: {why}.", RESTORE)


def read_info(directory: Path) -> PackInfo:
    """`pack.json` of a pack; PackRefused when it is missing, broken or of another format."""
    raw = read_pack_json(directory)
    check_format(directory, raw, FORMAT)
    try:
        info = build_record(PackInfo, raw)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise damaged(directory / "pack.json", error) from error
    check_fingerprint(directory, info.fingerprint, fingerprint(info.config, info.weights_sha256))
    return info


def read_weights(directory: Path, info: PackInfo) -> dict[str, Tensor]:
    """The tensors as float32; PackRefused when the file is missing, truncated or altered."""
    path = directory / WEIGHTS
    if not path.is_file():
        raise PackRefused("pack-weights-missing", f"{path} is missing.", RESTORE)
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != info.weights_sha256:
        raise PackRefused(
            "pack-weights-altered", f"{path} is damaged: its checksum is not the pack's.", RESTORE
        )
    try:
        return {name: tensor.to(torch.float32) for name, tensor in load(data).items()}
    except SafetensorError as error:
        raise PackRefused("pack-weights-damaged", f"{path} can't be read: {error}.", RESTORE) from error


def build_record(kind: type[Record], raw: dict[str, Any]) -> Record:
    """A dataclass from parsed JSON, nested ones and tuples included; unknown or missing keys are an error."""
    hints = get_type_hints(kind)
    if set(raw) - set(hints):
        raise ValueError(f"unknown keys {sorted(set(raw) - set(hints))} in {kind.__name__}")
    return kind(**{name: _value(hints[name], value) for name, value in raw.items()})


def _value(hint: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return build_record(hint, value)
    if get_origin(hint) is tuple:
        inner = get_args(hint)[0]
        return tuple(_value(inner, item) for item in value)
    if get_origin(hint) in (typing.Union, types.UnionType):
        return None if value is None else _value(get_args(hint)[0], value)
    return value
