"""Encoders that somebody else trained: equal to what `transformers` computes, or refused."""

import json
import shutil
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from torch.nn import functional as F  # noqa: N812

from embedding.adding import add_encoder, name_for
from embedding.architectures import ARCHITECTURES
from embedding.batching import try_batches
from embedding.composer import slerp
from embedding.dual import DualPack
from embedding.dual_files import Origin, read_dual, write_composed
from embedding.errors import PackRefused
from embedding.pack import load_pack
from embedding.pack_folders import PackFolders, look, verified
from embedding.preprocess import Pixels
from embedding.residual import ResidualComposer, ResidualConfig
from tests.support.encoders import MAKERS

TEXTS = ["IN Red, please!", "no logo", "a dress " * 30, ""]


def photos() -> list[Pixels]:
    """Of many shapes: wide, tall, tiny, and three pixels high, which looks like three channels."""
    rng = np.random.default_rng(0)
    shapes = [(70, 45), (45, 90), (32, 32), (3, 40), (1, 1), (200, 30)]
    return [rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in shapes]


class Published:
    """One tiny encoder: its folder, the pack made of it, and `transformers`' own way through it."""

    def __init__(self, name: str, root: Path) -> None:
        self.folder = MAKERS[name](root / name)
        self.kept = root / "kept"
        self.pack_folder = add_encoder(self.folder, self.kept, name, Origin(name)).folder
        pack = load_pack(self.pack_folder)
        assert isinstance(pack, DualPack)
        self.pack = pack
        kind = ARCHITECTURES[read_dual(self.pack_folder).config.architecture]
        self.model = getattr(transformers, kind.model).from_pretrained(self.folder).eval()
        self.padding = "max_length" if kind.pad_to_full else "longest"

    @torch.inference_mode()
    def images(self, pixels: list[Pixels]) -> np.ndarray:
        processor = transformers.AutoImageProcessor.from_pretrained(self.folder, backend="pil")
        given = [
            processor(images=each, input_data_format="channels_last", return_tensors="pt") for each in pixels
        ]
        rows = [self.model.get_image_features(**each).pooler_output for each in given]
        return F.normalize(torch.cat(rows), dim=-1).numpy()

    @torch.inference_mode()
    def texts(self, texts: list[str]) -> np.ndarray:
        tokenizer = transformers.AutoTokenizer.from_pretrained(self.folder)
        lowered = [text.lower() for text in texts]
        given = tokenizer(lowered, padding=self.padding, truncation=True, max_length=16, return_tensors="pt")
        return F.normalize(self.model.get_text_features(**given).pooler_output, dim=-1).numpy()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Published]:
    root = tmp_path_factory.mktemp("encoders")
    return {name: Published(name, root) for name in MAKERS}


@pytest.fixture(params=list(MAKERS))
def encoder(request: pytest.FixtureRequest, made: dict[str, Published]) -> Published:
    return made[request.param]


@pytest.fixture
def copy(made: dict[str, Published], tmp_path: Path) -> Path:
    return Path(shutil.copytree(made["clip"].folder, tmp_path / "encoder"))


def refusal(folder: Path, kept: Path) -> PackRefused:
    with pytest.raises(PackRefused) as caught:
        add_encoder(folder, kept, "x", Origin("x"))
    assert not kept.exists() or not list(kept.iterdir())  # nothing half made is left
    return caught.value


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_photos_are_what_transformers_makes_of_them(encoder: Published) -> None:
    rows = encoder.pack.encode_images(photos())
    assert rows.dtype == np.float32 and rows.shape == (6, encoder.pack.dimension)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.abs(rows - encoder.images(photos())).max() < 1e-5
    assert np.ptp(rows, axis=0).max() > 0.1  # they differ: the encoder sees


def test_words_are_what_transformers_makes_of_them(encoder: Published) -> None:
    rows = encoder.pack.encode_texts(TEXTS)
    assert rows.shape == (4, encoder.pack.text_dimension)
    assert np.abs(rows - encoder.texts(TEXTS)).max() < 1e-5
    assert np.ptp(rows, axis=0).max() > 0.1
    assert np.abs(encoder.pack.encode_texts(["in red"]) - encoder.pack.encode_texts(["In RED"])).max() < 1e-6


def test_every_text_ends_as_in_training(encoder: Published) -> None:
    """With the token that closes a text, then padding: towers pool at that token, or at the last place."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(encoder.folder)
    (ids,) = encoder.pack._texts.pieces(["red dress"])["input_ids"].tolist()
    words = ids[: ids.index(tokenizer.eos_token_id)]
    assert len(words) >= 2 and set(ids[len(words) + 1 :]) <= {tokenizer.pad_token_id}
    assert len(ids) == (16 if encoder.padding == "max_length" else len(words) + 1)


def test_a_preprocessor_from_before_is_read(made: dict[str, Published], copy: Path, tmp_path: Path) -> None:
    """As OpenAI's and FashionCLIP's folders have it: one number for each size, and an older name."""
    path = copy / "preprocessor_config.json"
    said = json.loads(path.read_text())
    said |= {"size": 32, "crop_size": 32, "feature_extractor_type": "CLIPFeatureExtractor"}
    path.write_text(json.dumps({key: said[key] for key in said if key != "image_processor_type"}))
    older = load_pack(add_encoder(copy, tmp_path / "kept", "older", Origin("x")).folder)
    assert np.abs(older.encode_images(photos()) - made["clip"].pack.encode_images(photos())).max() < 1e-6


def test_the_towers_input_is_that_of_the_processor(encoder: Published) -> None:
    processor = transformers.AutoImageProcessor.from_pretrained(encoder.folder, backend="pil")
    forward = encoder.pack.forward
    mine = forward.inputs(forward.shrink(photos()))  # type: ignore[attr-defined]
    for number, each in enumerate(photos()):
        theirs = processor(images=each, input_data_format="channels_last", return_tensors="pt")
        assert set(theirs) == set(mine)
        for key, wanted in theirs.items():
            assert (mine[key][number] - wanted[0]).abs().max() < 2e-6, key


def test_neither_the_batch_nor_threads_change_a_row(encoder: Published) -> None:
    some, pack = photos(), encoder.pack
    alone, said = [pack.encode_images([each])[0] for each in some], pack.encode_texts(TEXTS)
    assert np.abs(pack.encode_images(some) - np.stack(alone)).max() < 1e-5
    assert (
        np.abs(np.concatenate(list(pack.encode_stream([some[:4], some[4:]]))) - np.stack(alone)).max() < 1e-5
    )
    found: dict[int, np.ndarray] = {}

    def work(number: int) -> None:
        for _ in range(5):
            found[number] = pack.encode_images([some[number]])[0]
            found[-1 - number] = pack.encode_texts([TEXTS[number % 4]])[0]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert all(np.abs(found[n] - alone[n]).max() < 1e-5 for n in range(6))
    assert all(np.abs(found[-1 - n] - said[n % 4]).max() < 1e-5 for n in range(6))


def test_bf16_keeps_to_fp32(encoder: Published) -> None:
    fast = load_pack(encoder.pack_folder, precision="bf16")
    exact, quick = encoder.pack.encode_images(photos()), fast.encode_images(photos())
    assert (exact != quick).any() and (exact * quick).sum(1).min() > 0.995  # networks of 32 numbers a token
    exact, quick = encoder.pack.encode_texts(TEXTS), fast.encode_texts(TEXTS)
    assert (exact != quick).any() and (exact * quick).sum(1).min() > 0.995


def test_a_query_is_a_point_of_the_arc(made: dict[str, Published]) -> None:
    pack = made["clip"].pack
    image, text = pack.encode_images(photos()[:1])[0], pack.encode_texts(["red"])[0]
    for balance in (0.0, 0.25, 0.5, 0.8, 1.0):
        wanted = slerp(torch.from_numpy(image), torch.from_numpy(text), balance).numpy()
        assert np.abs(pack.compose(image, text, balance) - wanted).max() < 1e-6
    assert np.abs(pack.compose(image, text, 0.0) - pack.compose(image, None)).max() < 1e-5
    assert np.abs(pack.compose(image, text, 1.0) - pack.compose(None, text)).max() < 1e-5
    for wrong in ((None, None, 0.5), (image[:3], text, 0.5), (image, text, 1.5)):
        with pytest.raises(ValueError):
            pack.compose(*wrong)


def test_a_pack_may_carry_a_trained_composer(made: dict[str, Published], tmp_path: Path) -> None:
    plain = made["clip"].pack
    torch.manual_seed(1)
    composer = ResidualComposer(ResidualConfig(plain.dimension, hidden=16))
    image, text = plain.encode_images(photos()[:1])[0], plain.encode_texts(["red"])[0]
    info = write_composed(
        made["clip"].pack_folder, tmp_path / "same", composer, "same", training={"seed": 1}, metrics={}
    )
    same = load_pack(tmp_path / "same")
    assert same.fingerprint == info.fingerprint != plain.fingerprint and info.training == {"seed": 1}
    assert np.abs(same.compose(image, text) - plain.compose(image, text)).max() < 1e-6  # slerp, to begin with
    composer.more.bias.data.normal_()
    write_composed(made["clip"].pack_folder, tmp_path / "other", composer, "other", training={}, metrics={})
    other = load_pack(tmp_path / "other")
    assert np.abs(other.compose(image, text) - plain.compose(image, text)).max() > 0.01
    for balance, wanted in ((0.0, plain.compose(image, None)), (1.0, plain.compose(None, text))):
        assert np.abs(other.compose(image, text, balance) - wanted).max() < 1e-5
    (tmp_path / "other" / "composer.safetensors").write_bytes(b"x")
    with pytest.raises(PackRefused) as caught:
        load_pack(tmp_path / "other")
    assert caught.value.code == "pack-weights-altered"


def test_what_was_added_needs_neither_its_folder_nor_the_network(
    made: dict[str, Published], copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    added = add_encoder(copy, tmp_path / "kept", "clip", Origin("clip"))
    shutil.rmtree(copy)
    assert added.fingerprint == made["clip"].pack.fingerprint  # the same files are the same pack
    assert load_pack(added.folder).encode_texts(["red"]).shape == (1, 24)


def test_adding_again_changes_nothing_and_it_is_kept_and_found_like_any_pack(
    made: dict[str, Published], tmp_path: Path
) -> None:
    clip = made["clip"]
    again = add_encoder(clip.folder, clip.kept, "clip", Origin("clip"))
    assert again.folder == clip.pack_folder and len(list(clip.kept.iterdir())) == len(MAKERS)
    packs = PackFolders(tmp_path / "none", [clip.kept], tmp_path / "kept")
    assert packs.choose("siglip2").dimension == 32
    there = packs.keep(packs.choose("clip"))
    assert verified(there) == look(there).fingerprint == clip.pack.fingerprint


def test_sharded_weights_are_read(made: dict[str, Published], copy: Path, tmp_path: Path) -> None:
    (copy / "model.safetensors").unlink()
    made["clip"].model.save_pretrained(copy, max_shard_size="30KB")
    assert not (copy / "model.safetensors").exists()
    pack = load_pack(add_encoder(copy, tmp_path / "kept", "shards", Origin("x")).folder)
    assert np.abs(pack.encode_images(photos()) - made["clip"].pack.encode_images(photos())).max() < 1e-6
    next(copy.glob("model-00002*")).unlink()
    assert refusal(copy, tmp_path / "none").code == "encoder-weights"


def test_a_shard_elsewhere_is_refused(copy: Path, tmp_path: Path) -> None:
    (copy / "model.safetensors").rename(copy.parent / "model.safetensors")
    index = {"weight_map": {"logit_scale": "../model.safetensors"}}
    (copy / "model.safetensors.index.json").write_text(json.dumps(index))
    assert refusal(copy, tmp_path / "kept").code == "encoder-weights"


def test_the_licence_is_that_of_the_model_card(copy: Path, tmp_path: Path) -> None:
    (copy / "README.md").write_text("---\ntags:\n- fashion\nlicense: mit\n---\nlicense: other\n")
    added = add_encoder(copy, tmp_path / "kept", "x", Origin("hub/x", "a" * 40))
    info = read_dual(added.folder)
    assert (info.licence, info.origin) == ("mit", Origin("hub/x", "a" * 40))
    assert (added.folder / "README.md").is_file()


@pytest.mark.parametrize(
    "pickled", ["pytorch_model.bin", "open_clip_pytorch_model.bin", "flax_model.msgpack"]
)
def test_weights_that_unpickle_are_refused(copy: Path, tmp_path: Path, pickled: str) -> None:
    (copy / "model.safetensors").rename(copy / pickled)
    assert refusal(copy, tmp_path / "kept").code == "encoder-pickled"


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "preprocessor_config.json"])
def test_a_folder_with_code_of_its_own_is_refused(copy: Path, tmp_path: Path, name: str) -> None:
    (copy / "theirs.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    edit(copy / name, auto_map={"AutoModel": "theirs.Model", "AutoTokenizer": ["theirs.Tokenizer", None]})
    assert refusal(copy, tmp_path / "kept").code == "encoder-remote-code"
    assert not (tmp_path / "ran").exists()


def test_what_is_no_encoder_of_photos_and_words_is_refused(copy: Path, tmp_path: Path) -> None:
    edit(copy / "config.json", model_type="bert")
    refused = refusal(copy, tmp_path / "kept")
    assert refused.code == "encoder-unknown" and "SigLIP" in refused.fix
    (copy / "config.json").unlink()
    assert refusal(copy, tmp_path / "kept").code == "encoder-unknown"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("preprocessor_config.json", "encoder-damaged"),
        ("tokenizer.json", "encoder-tokenizer"),
        ("model.safetensors", "encoder-weights"),
        ("config.json", "encoder-damaged"),
    ],
)
def test_a_damaged_file_is_named(copy: Path, tmp_path: Path, name: str, code: str) -> None:
    (copy / name).write_bytes(b"{")
    assert refusal(copy, tmp_path / "kept").code == code


@pytest.mark.parametrize(
    ("name", "code"),
    [("preprocessor_config.json", "encoder-preprocessor"), ("tokenizer.json", "encoder-tokenizer")],
)
def test_a_missing_file_is_named(copy: Path, tmp_path: Path, name: str, code: str) -> None:
    (copy / name).unlink()
    assert refusal(copy, tmp_path / "kept").code == code


def test_an_older_tokenizer_is_read(made: dict[str, Published], copy: Path, tmp_path: Path) -> None:
    model = json.loads((copy / "tokenizer.json").read_text())["model"]
    (copy / "tokenizer.json").unlink()
    (copy / "vocab.json").write_text(json.dumps(model["vocab"]))
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    (copy / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n")
    older = load_pack(add_encoder(copy, tmp_path / "kept", "older", Origin("x")).folder)
    assert np.abs(older.encode_texts(TEXTS) - made["clip"].pack.encode_texts(TEXTS)).max() < 1e-6


def test_half_an_encoder_is_refused(made: dict[str, Published], copy: Path, tmp_path: Path) -> None:
    made["clip"].model.vision_model.save_pretrained(copy)
    edit(copy / "config.json", **json.loads((made["clip"].folder / "config.json").read_text()))
    assert refusal(copy, tmp_path / "kept").code == "encoder-weights"


def test_photos_that_stay_of_many_sizes_are_refused(copy: Path, tmp_path: Path) -> None:
    edit(copy / "preprocessor_config.json", do_resize=False, do_center_crop=False)
    assert refusal(copy, tmp_path / "kept").code == "encoder-preprocessor"


def test_photos_and_words_of_other_widths_are_refused(tmp_path: Path) -> None:
    folder = MAKERS["siglip"](tmp_path / "siglip")
    config = transformers.SiglipConfig.from_pretrained(folder)
    config.text_config.projection_size = 20
    transformers.SiglipModel(config).save_pretrained(folder)
    assert refusal(folder, tmp_path / "kept").code == "encoder-dimension"


def test_the_missing_extra_is_named(made: dict[str, Published], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(PackRefused, match="twirl\\[encoders\\]") as caught:
        load_pack(made["clip"].pack_folder)
    assert caught.value.code == "encoders-extra"


def test_an_altered_file_or_description_is_refused(made: dict[str, Published], tmp_path: Path) -> None:
    pack = Path(shutil.copytree(made["clip"].pack_folder, tmp_path / "pack"))
    edit(pack / "preprocessor_config.json", do_center_crop=False)
    for look_at in (load_pack, verified):
        with pytest.raises(PackRefused) as caught:
            look_at(pack)
        assert caught.value.code == "pack-weights-altered"
    raw = json.loads((pack / "pack.json").read_text())
    for changes, code in (
        ({"format": 9}, "pack-format"), ({"surprise": 1}, "pack-damaged"),
        ({"config": raw["config"] | {"tokens": 3}}, "pack-fingerprint"),
        ({"config": raw["config"] | {"files": {"../x": "0"}}}, "pack-damaged"),
    ):  # fmt: skip
        (pack / "pack.json").write_text(json.dumps(raw | changes))
        with pytest.raises(PackRefused) as caught:
            load_pack(pack)
        assert caught.value.code == code


@pytest.mark.parametrize("name", ["clip", "siglip2"])
def test_its_batch_is_measured_like_any(made: dict[str, Published], name: str) -> None:
    tried = list(try_batches(made[name].pack.forward, memory_mb=-1))
    assert [each.batch for each in tried] == [1] and tried[0].rate > 0


def test_two_encoders_of_one_name_are_refused(made: dict[str, Published], copy: Path, tmp_path: Path) -> None:
    same = add_encoder(copy, tmp_path / "same", "clip", Origin("x"), {"clip": made["clip"].pack.fingerprint})
    assert same.name == "clip"
    with pytest.raises(PackRefused) as caught:
        add_encoder(copy, tmp_path / "kept", "clip", Origin("x"), {"clip": "f" * 32})
    assert caught.value.code == "pack-name-taken" and not list((tmp_path / "kept").iterdir())


def test_names_are_those_of_folders_and_hubs() -> None:
    assert name_for("/srv/models/Fashion CLIP/") == "fashion-clip"
    assert name_for("Marqo/marqo-fashionSigLIP") == "marqo-fashionsiglip"
    assert name_for("...") == "encoder"
