"""OpenCLIP's own files, and vectors that open_clip 3.3 and timm 1.0 computed (tests/golden/open_clip_*).

The networks there have random weights. Folders are laid out as shops' fine-tuned encoders are published: the
weights under OpenCLIP's names, and (the SigLIP) a `config.json` that asks for program code.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from embedding.adding import add_encoder
from embedding.dual_files import Origin, read_dual
from embedding.dual_texts import canonical
from embedding.errors import PackRefused
from embedding.pack import Pack, load_pack

GOLDEN = Path(__file__).parents[2] / "golden" / "open_clip_siglip"
CLIP = GOLDEN.with_name("open_clip_clip")


def photos(shapes: Sequence[tuple[int, int]] = ((70, 45), (45, 90), (32, 32))) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in shapes]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN, tmp_path / "encoder"))


def added(folder: Path, tmp_path: Path) -> Pack:
    return load_pack(add_encoder(folder, tmp_path / "kept", "shop", Origin("hub/shop")).folder)


def refusal(folder: Path, tmp_path: Path) -> str:
    with pytest.raises(PackRefused) as caught:
        add_encoder(folder, tmp_path / "kept", "x", Origin("x"))
    assert not (tmp_path / "kept").exists() or not list((tmp_path / "kept").iterdir())
    return caught.value.code


def edit(path: Path, part: str, **changes: Any) -> None:
    said = json.loads(path.read_text())
    said["model_cfg"][part] |= changes
    path.write_text(json.dumps(said))


def test_vectors_are_those_of_open_clip(copy: Path, tmp_path: Path) -> None:
    pack, expected = added(copy, tmp_path), json.loads((GOLDEN / "expected.json").read_text())
    assert np.abs(pack.encode_images(photos()) - np.array(expected["image rows"])).max() < 2e-6
    assert np.abs(pack.encode_texts(expected["texts"]) - np.array(expected["text rows"])).max() < 2e-6
    info = read_dual(tmp_path / "kept" / pack.fingerprint)
    assert info.config.strips_punctuation and "open_clip_config.json" not in info.config.files


def test_a_clip_is_read_too(tmp_path: Path) -> None:
    """Both towers OpenCLIP's own, photos cropped, the text's last token pooled, no `config.json` at all."""
    pack, expected = added(CLIP, tmp_path), json.loads((CLIP / "expected.json").read_text())
    images = pack.encode_images(photos([(32, 32), (40, 70), (64, 32)]))
    assert np.abs(images - np.array(expected["image rows"])).max() < 2e-6
    assert np.abs(pack.encode_texts(expected["texts"]) - np.array(expected["text rows"])).max() < 2e-6
    assert read_dual(tmp_path / "kept" / pack.fingerprint).config.architecture == "clip"


@pytest.mark.parametrize("part", ["vision_cfg", "text_cfg"])
def test_a_clip_with_options_of_its_own_is_refused(tmp_path: Path, part: str) -> None:
    folder = Path(shutil.copytree(CLIP, tmp_path / "encoder"))
    edit(folder / "open_clip_config.json", part, ls_init_value=0.1)
    assert refusal(folder, tmp_path) == "encoder-unknown"


def test_names_without_a_prefix_and_their_own_file_are_read(copy: Path, tmp_path: Path) -> None:
    state = load_file(copy / "model.safetensors")
    save_file(
        {name.removeprefix("model."): each for name, each in state.items()},
        copy / "open_clip_model.safetensors",
    )
    (copy / "model.safetensors").write_bytes(b"something else")
    expected = json.loads((GOLDEN / "expected.json").read_text())
    rows = added(copy, tmp_path).encode_images(photos())
    assert np.abs(rows - np.array(expected["image rows"])).max() < 2e-6


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("vision_cfg", {"timm_model_name": "vit_base_patch32_siglip_256"}),
        ("text_cfg", {"act_kwargs": {"approximate": "tanh"}}),
    ],
)
def test_the_activation_is_that_of_each_tower(
    copy: Path, tmp_path: Path, part: str, changes: dict[str, Any]
) -> None:
    """GELU's two forms differ in the fourth digit: enough to see which was computed."""
    plain = added(GOLDEN, tmp_path)
    edit(copy / "open_clip_config.json", part, **changes)
    other = added(copy, tmp_path)
    images = np.abs(other.encode_images(photos()) - plain.encode_images(photos())).max()
    texts = np.abs(other.encode_texts(["in red"]) - plain.encode_texts(["in red"])).max()
    changed, same = (images, texts) if part == "vision_cfg" else (texts, images)
    assert same < 1e-6 and 1e-5 < changed < 1e-2


def test_photos_are_cropped_where_open_clip_would(copy: Path, tmp_path: Path) -> None:
    said = json.loads((copy / "open_clip_config.json").read_text())
    said["preprocess_cfg"]["resize_mode"] = "shortest"
    (copy / "open_clip_config.json").write_text(json.dumps(said))
    wide = np.random.default_rng(0).integers(0, 256, (32, 64, 3), dtype=np.uint8)
    pack, middle = added(copy, tmp_path), wide[:, 16:48]  # the columns that the crop keeps
    assert np.abs(pack.encode_images([wide]) - pack.encode_images([middle])).max() < 1e-6
    assert np.abs(pack.encode_images([wide]) - added(GOLDEN, tmp_path).encode_images([wide])).max() > 0.1
    said["preprocess_cfg"]["resize_mode"] = "longest"
    (copy / "open_clip_config.json").write_text(json.dumps(said))
    assert refusal(copy, tmp_path / "again") == "encoder-damaged"


def test_what_is_no_siglip_of_open_clip_is_refused(copy: Path, tmp_path: Path) -> None:
    edit(copy / "open_clip_config.json", "vision_cfg", timm_model_name="convnext_base")
    assert refusal(copy, tmp_path) == "encoder-unknown"


def test_what_is_missing_or_unpickles_is_refused(copy: Path, tmp_path: Path) -> None:
    state = load_file(copy / "model.safetensors")
    del state["model.text.ln_final.bias"]
    save_file(state, copy / "model.safetensors")
    assert refusal(copy, tmp_path) == "encoder-damaged"
    (copy / "tokenizer.json").unlink()
    shutil.copy(GOLDEN / "model.safetensors", copy)
    assert refusal(copy, tmp_path) == "encoder-tokenizer"
    (copy / "model.safetensors").rename(copy / "open_clip_pytorch_model.bin")
    assert refusal(copy, tmp_path) == "encoder-pickled"


def test_texts_are_cleaned_as_in_training() -> None:
    assert canonical("  In RED,\tplease! long_sleeves ") == "in red please long sleeves"
