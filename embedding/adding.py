"""An encoder's folder, as it was published, becomes a pack.

    add_encoder(Path("fashion-clip"), Path("data/packs"), "fashion-clip", Origin("fashion-clip"))

Nothing of the folder is trusted: weights that unpickle and folders that bring code are refused, what is read
is copied and hashed, and the pack is tried before it is there.
"""

import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from embedding import open_clip
from embedding.architectures import ARCHITECTURES
from embedding.dual import load_dual_pack
from embedding.dual_files import DUAL, DUAL_FORMAT, DualConfig, DualInfo, Origin, sha256_of, write_dual
from embedding.errors import PackRefused
from embedding.pack_folders import PackAtHand, look

# What `transformers` reads of a folder, apart from the weights.
READ = (
    "config.json", "preprocessor_config.json", "processor_config.json", "tokenizer.json",
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt",
    "spiece.model", "tokenizer.model",
)  # fmt: skip
KEPT = ("README.md", "LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE")  # beside it: licences ask for that
WEIGHTS, SHARDS = "model.safetensors", "model.safetensors.index.json"
STRIPS = "strips_punctuation"  # in what OpenCLIP's folder says
_SAME = 1e-5  # between vectors that ought to differ
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".msgpack", ".h5")


def add_encoder(
    folder: Path, kept: Path, name: str, origin: Origin, taken: Mapping[str, str] | None = None
) -> PackAtHand:
    """Make a pack of an encoder's folder among the `kept` ones; one that is there already stays.

    `taken` are the names of other packs, {name: fingerprint}. Raises PackRefused.
    """
    config = check_encoder(folder, origin.name)
    kept.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".new-", dir=kept))
    try:
        made = beside / "pack"
        made.mkdir()
        info = _described(_copied(folder, made), config, name, origin, licence_of(folder))
        info = _tried(made, info)
        if (taken or {}).get(name, info.fingerprint) != info.fingerprint:
            raise PackRefused(
                "pack-name-taken",
                f"Another pack is called {name}.",
                "Give this one a name of its own: --name.",
            )
        target = kept / info.fingerprint
        if look(target).fingerprint != info.fingerprint:
            shutil.rmtree(target, ignore_errors=True)
            made.rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return look(target)


def check_encoder(folder: Path, called: str, names: Iterable[str] | None = None) -> dict[str, Any]:
    """What the folder's `config.json` says. Raises PackRefused for a folder that cannot become a pack.

    `names` are the files that were published, where not all of them are in the folder.
    """
    there = set(names) if names is not None else {path.name for path in folder.iterdir()}
    config = _read(folder / "config.json")
    if open_clip.is_open_clip(folder, config):
        _check_safe(there, called, open_clip.FILES)
        family, strips = open_clip.described(folder)
        return {"model_type": family, STRIPS: strips}
    if any("auto_map" in _read(folder / name) for name in READ if name.endswith("config.json")):
        raise PackRefused(
            "encoder-remote-code", f"{called} brings program code along, which Twirl never runs.",
            "Give an encoder that `transformers` knows by itself.",
        )  # fmt: skip
    if config.get("model_type") not in ARCHITECTURES:
        known = ", ".join(each.title for each in ARCHITECTURES.values())
        raise PackRefused(
            "encoder-unknown", f"{called} is an encoder of type {config.get('model_type')!r}.",
            f"Give one of photos and words: {known}.",
        )  # fmt: skip
    _check_safe(there, called, (WEIGHTS, SHARDS))
    return config


def _check_safe(there: Set[str], called: str, wanted: Iterable[str]) -> None:
    """PackRefused unless one of these files of weights is among those that are there."""
    if there & set(wanted):
        return
    pickled = sorted(name for name in there if name.endswith(_PICKLES))
    raise PackRefused(
        "encoder-pickled" if pickled else "encoder-weights",
        f"{called} has no weights as safetensors" + (f", only {pickled[0]}." if pickled else "."),
        "Twirl opens nothing that could run code: give a revision that has model.safetensors.",
    )


def name_for(said: str) -> str:
    """A pack's name from a folder's or a hub's: what follows the last slash, in small letters."""
    last = said.rstrip("/").rsplit("/", 1)[-1].lower()
    return re.sub(r"[^a-z0-9._-]+", "-", last).strip("-.") or "encoder"


def licence_of(folder: Path) -> str:
    """The licence that the model card names in its first lines, else `unknown`."""
    try:
        card = (folder / "README.md").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "unknown"
    found = re.match(r"---\n(.*?)\n---", card, re.DOTALL)
    line = re.search(r"^license:\s*([\w.+-]+)\s*$", found[1], re.MULTILINE) if found else None
    return line[1] if line else "unknown"


def weight_files(folder: Path) -> Sequence[str]:
    """The names of the weights' files: one, or an index and its shards. Raises PackRefused."""
    if (folder / WEIGHTS).is_file():
        return (WEIGHTS,)
    named = set(_read(folder / SHARDS).get("weight_map", {}).values())
    wrong = [name for name in named if Path(str(name)).name != name or not str(name).endswith(".safetensors")]
    missing = [name for name in named if not (folder / str(name)).is_file()]
    if not named or wrong or missing:
        raise PackRefused(
            "encoder-weights", f"{folder / SHARDS} names {(wrong or missing or ['nothing'])[0]}.",
            "Give the folder whole, as it was published.",
        )  # fmt: skip
    return (SHARDS, *sorted(named))


def _copied(folder: Path, into: Path) -> dict[str, str]:
    """Copy what is read, or what OpenCLIP's files become; return its hashes."""
    if open_clip.is_open_clip(folder, _read(folder / "config.json")):
        open_clip.convert(folder, into)
    else:
        for name in (*(name for name in READ if (folder / name).is_file()), *weight_files(folder)):
            shutil.copyfile(folder / name, into / name)
    made = {path.name: sha256_of(path) for path in sorted(into.iterdir())}
    for name in KEPT:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, into / name)
    return made


def _described(
    files: dict[str, str], config: dict[str, Any], name: str, origin: Origin, licence: str
) -> DualInfo:
    architecture = str(config["model_type"])
    description = f"{ARCHITECTURES[architecture].title} of {origin.name}, photo and words mixed by slerp"
    said = DualConfig(architecture, 0, files, bool(config.get(STRIPS)))
    return DualInfo(DUAL_FORMAT, DUAL, name, description, licence, 0, 0, "", origin, said, {}, {})


def _tried(folder: Path, info: DualInfo) -> DualInfo:
    """Have the pack encode a picture and a word, and note how wide its vectors are. Raises PackRefused."""
    config = replace(info.config, tokens=_text_length(folder))
    written = write_dual(folder, replace(info, config=config))
    pack = load_dual_pack(folder)
    image = pack.encode_images([np.full((60, 40, 3), 200, np.uint8)])[0]
    text, other = pack.encode_texts(["red", "a blue shirt"])
    if np.abs(text - other).max() < _SAME:  # `transformers` reads a folder without a vocabulary, to this end
        raise PackRefused(
            "encoder-tokenizer", "The encoder's tokenizer knows no words.",
            "Give the folder whole: tokenizer.json, or vocab.json and merges.txt, or spiece.model.",
        )  # fmt: skip
    if image.shape != text.shape or not np.isfinite([*image, *text]).all():
        raise PackRefused(
            "encoder-dimension", f"Photos have {len(image)} numbers and words {len(text)}, or no numbers.",
            "Give an encoder whose photos and words lie in one space.",
        )  # fmt: skip
    return write_dual(folder, replace(written, dimension=len(image), text_dimension=len(text)))


def _text_length(folder: Path) -> int:
    """How many tokens of a text are read. Raises PackRefused."""
    said = _read(folder / "config.json").get("text_config") or {}
    default = 64 if str(_read(folder / "config.json")["model_type"]).startswith("siglip") else 77
    return int(said.get("max_position_embeddings", default))


def _read(path: Path) -> dict[str, Any]:
    """A JSON object, empty where there is no such file. Raises PackRefused."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        said = {}
    except ValueError as error:
        raise PackRefused(
            "encoder-damaged", f"{path} can't be read: {error}.", "Give the folder as it was published."
        ) from error
    if not isinstance(said, dict):
        raise PackRefused("encoder-damaged", f"{path} is no object.", "Give the folder as it was published.")
    return said
