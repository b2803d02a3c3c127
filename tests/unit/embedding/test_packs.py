import shutil
import threading
import weakref
from pathlib import Path

import pytest

from embedding import minilm
from embedding.errors import PackRefused
from embedding.pack import load_pack
from embedding.pack_files import read_info
from embedding.packs import Packs

SHIPPED = Path(__file__).parents[3] / "packs" / "twirl-small"
FINGERPRINT = read_info(SHIPPED).fingerprint


def test_a_pack_is_loaded_once_however_many_ask() -> None:
    asked: list[str] = []
    given: list[object] = []

    def find(fingerprint: str) -> Path:
        asked.append(fingerprint)
        return SHIPPED

    packs = Packs(find)
    assert packs.loaded(FINGERPRINT) is None
    threads = [threading.Thread(target=lambda: given.append(packs.get(FINGERPRINT))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(given) == 4 and len(set(map(id, given))) == 1
    assert asked == [FINGERPRINT] and packs.loaded(FINGERPRINT) is given[0]


def test_a_pack_that_is_not_kept_is_let_go() -> None:
    packs = Packs(lambda _: SHIPPED)
    there = weakref.ref(packs.get(FINGERPRINT))
    packs.keep([FINGERPRINT, "f" * 32])
    assert packs.loaded(FINGERPRINT) is there()
    packs.keep([])
    assert packs.loaded(FINGERPRINT) is None and there() is None


def test_a_folder_with_another_pack_is_refused(tmp_path: Path) -> None:
    packs = Packs(lambda _: Path(shutil.copytree(SHIPPED, tmp_path / "other")))
    with pytest.raises(PackRefused) as caught:
        packs.get("f" * 32)
    assert caught.value.code == "pack-changed"
    assert packs.loaded("f" * 32) is None and packs.loaded(FINGERPRINT) is None


def test_packs_share_their_text_tower_while_any_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "_shared", weakref.WeakValueDictionary())  # not one that another test holds
    first, second = load_pack(SHIPPED), load_pack(SHIPPED)
    weights = first._text_tower._model
    assert weights is second._text_tower._model
    there = weakref.ref(weights)
    del weights
    del first
    assert there() is not None
    del second
    assert there() is None
