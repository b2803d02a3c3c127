import json
import shutil
from pathlib import Path

import pytest

from embedding.errors import PackRefused
from embedding.pack_folders import PackAtHand, PackFolders, look

SHIPPED = Path(__file__).parents[3] / "packs" / "twirl-small"


def write(folder: Path, name: str, fingerprint: str) -> Path:
    folder.mkdir(parents=True)
    said = {"name": name, "fingerprint": fingerprint, "dimension": 8}
    (folder / "pack.json").write_text(json.dumps(said))
    return folder


@pytest.fixture
def packs(tmp_path: Path) -> PackFolders:
    write(tmp_path / "named", "first", "aa11")
    write(tmp_path / "shelf" / "one", "second", "bb22")
    write(tmp_path / "shelf" / "two", "second", "bb33")
    write(tmp_path / "kept" / "aa11", "first", "aa11")
    (tmp_path / "shelf" / "bad").mkdir()
    (tmp_path / "shelf" / "bad" / "pack.json").write_text("{")
    return PackFolders(tmp_path / "named", [tmp_path / "shelf", tmp_path / "absent"], tmp_path / "kept")


def refusal(packs: PackFolders, said: str) -> str:
    with pytest.raises(PackRefused) as caught:
        packs.choose(said)
    return caught.value.code


def test_each_pack_is_listed_once_and_a_damaged_one_says_so(packs: PackFolders) -> None:
    listed = [(each.name, each.fingerprint, bool(each.damaged)) for each in packs]
    assert listed[0] == ("first", "aa11", False)
    assert sorted(listed[1:]) == [("bad", "", True), ("second", "bb22", False), ("second", "bb33", False)]


def test_a_pack_is_found_by_fingerprint_even_where_the_setting_names_nothing(
    packs: PackFolders, tmp_path: Path
) -> None:
    assert packs.find("bb33") == tmp_path / "shelf" / "two"
    shutil.rmtree(tmp_path / "named")
    assert packs.find("aa11") == tmp_path / "kept" / "aa11"
    with pytest.raises(PackRefused) as caught:
        packs.find("cc44")
    assert caught.value.code == "pack-not-at-hand"


def test_what_is_not_at_hand_is_fetched(tmp_path: Path) -> None:
    asked = []

    def fetch(fingerprint: str) -> Path | None:
        asked.append(fingerprint)
        return tmp_path if fingerprint == "cc44" else None

    packs = PackFolders(tmp_path / "none", [], tmp_path / "kept", fetch)
    assert packs.find("cc44") == tmp_path
    with pytest.raises(PackRefused):
        packs.find("dd55")
    assert asked == ["cc44", "dd55"]


def test_an_operator_names_a_pack_by_folder_name_or_fingerprint(packs: PackFolders, tmp_path: Path) -> None:
    assert packs.choose("first").fingerprint == "aa11"
    assert packs.choose("bb2").fingerprint == "bb22"
    assert packs.choose(str(tmp_path / "shelf" / "two")).fingerprint == "bb33"
    assert refusal(packs, "second") == refusal(packs, "bb") == "pack-ambiguous"
    assert refusal(packs, "third") == refusal(packs, "") == "pack-unknown"
    assert refusal(packs, str(tmp_path / "shelf" / "bad")) == "pack-damaged"


def test_a_registered_pack_outlives_its_own_folder(tmp_path: Path) -> None:
    given = Path(shutil.copytree(SHIPPED, tmp_path / "given"))
    packs = PackFolders(given, [], tmp_path / "kept")
    fingerprint = look(given).fingerprint
    there = packs.keep(look(given))
    assert packs.keep(look(given)) == there
    shutil.rmtree(given)
    assert packs.find(fingerprint) == there
    assert [path.name for path in (tmp_path / "kept").iterdir()] == [fingerprint]


def test_a_damaged_pack_is_not_kept(tmp_path: Path) -> None:
    given = Path(shutil.copytree(SHIPPED, tmp_path / "given"))
    (given / "weights.safetensors").write_bytes(b"short")
    with pytest.raises(PackRefused) as caught:
        PackFolders(given, [], tmp_path / "kept").keep(look(given))
    assert caught.value.code == "pack-weights-altered"
    assert not (tmp_path / "kept").exists() or not list((tmp_path / "kept").iterdir())


def test_looking_at_nothing_is_no_error(tmp_path: Path) -> None:
    found = look(tmp_path / "none")
    assert isinstance(found, PackAtHand) and found.damaged
