"""A pack of the kind `dual` on disk: `pack.json` beside an encoder's own files, as `transformers` reads them.

    pack.json            what this module writes: which architecture, and the sha256 of every file below
    config.json, *.safetensors, preprocessor_config.json, tokenizer files
    composer.safetensors  once a composer has been trained for it

The fingerprint hashes the hashes: an encoder whose vectors could differ has another one.
"""

import dataclasses
import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from embedding.errors import PackRefused
from embedding.pack_files import (
    RESTORE,
    build_record,
    check_fingerprint,
    check_format,
    damaged,
    read_pack_json,
)
from embedding.residual import ResidualComposer, ResidualConfig

DUAL = "dual"
DUAL_FORMAT = 2  # versions of Twirl that know no such packs say that it is not theirs
COMPOSER = "composer.safetensors"


@dataclass(frozen=True)
class DualConfig:
    """All that decides what vector comes out."""

    architecture: str  # a key of `architectures.ARCHITECTURES`
    tokens: int  # a longer text is cut here
    files: dict[str, str]  # {name: sha256} of every file that is read
    strips_punctuation: bool = False  # from texts, where the tokenizer leaves that to the caller
    composer: ResidualConfig | None = None  # None: photo and words are mixed by slerp


@dataclass(frozen=True)
class Origin:
    """Where an encoder came from."""

    name: str  # the hub's id, or the name of the folder
    revision: str = ""  # the commit on the hub; empty for a folder


@dataclass(frozen=True)
class DualInfo:
    """The whole of `pack.json`."""

    format: int
    kind: str
    name: str
    description: str
    licence: str  # as the encoder's own model card says
    dimension: int  # D of an index vector
    text_dimension: int  # T of a text vector: the same space
    fingerprint: str
    origin: Origin
    config: DualConfig
    training: dict[str, Any]  # of the composer
    metrics: dict[str, Any]


def dual_fingerprint(config: DualConfig) -> str:
    """32 hex digits that change with the configuration or any byte of a file."""
    canonical = json.dumps(dataclasses.asdict(config), sort_keys=True)
    return hashlib.sha256(f"{DUAL}|{DUAL_FORMAT}|{canonical}".encode()).hexdigest()[:32]


def write_dual(directory: Path, info: DualInfo) -> DualInfo:
    """Write `pack.json` beside the files; returns `info` with its fingerprint filled in."""
    whole = dataclasses.replace(info, fingerprint=dual_fingerprint(info.config))
    text = json.dumps(dataclasses.asdict(whole), indent=2, ensure_ascii=False)
    (directory / "pack.json").write_text(text + "\n", encoding="utf-8")
    return whole


def read_dual(directory: Path) -> DualInfo:
    """`pack.json` of a pack of this kind; PackRefused when it is missing, broken or of another format."""
    raw = read_pack_json(directory)
    check_format(directory, raw, DUAL_FORMAT)
    try:
        info = build_record(DualInfo, raw)
        wrong = [name for name in info.config.files if Path(name).name != name]
        if info.kind != DUAL or wrong:
            raise ValueError(f"of kind {info.kind!r}, with files {wrong} elsewhere")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise damaged(directory / "pack.json", error) from error
    check_fingerprint(directory, info.fingerprint, dual_fingerprint(info.config))
    return info


def check_files(directory: Path, info: DualInfo) -> None:
    """PackRefused where a file is missing or not, byte by byte, the one that the pack was made of."""
    for name, wanted in info.config.files.items():
        path = directory / name
        if not path.is_file():
            raise PackRefused("pack-weights-missing", f"{path} is missing.", RESTORE)
        if sha256_of(path) != wanted:
            message = f"{path} is damaged: its checksum is not the pack's."
            raise PackRefused("pack-weights-altered", message, RESTORE)


def write_composed(
    source: Path,
    out: Path,
    composer: ResidualComposer,
    name: str,
    *,
    training: dict[str, Any],
    metrics: dict[str, Any],
) -> DualInfo:
    """A pack like the one in `source`, in a new folder, with a composer that was trained for it.

    Photos keep their vectors; the fingerprint is another, since the pack answers otherwise.
    """
    info = read_dual(source)
    shutil.copytree(source, out)
    weights = {key: tensor.detach().cpu().contiguous() for key, tensor in composer.state_dict().items()}
    save_file(weights, out / COMPOSER)
    files = info.config.files | {COMPOSER: sha256_of(out / COMPOSER)}
    config = dataclasses.replace(info.config, files=files, composer=composer.config)
    described = f"{info.description.split(',')[0]}, with a trained composer"
    whole = dataclasses.replace(info, name=name, description=described, config=config)
    return write_dual(out, dataclasses.replace(whole, training=training, metrics=metrics))


def sha256_of(path: Path) -> str:
    """Hex digest of a file of any size."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
