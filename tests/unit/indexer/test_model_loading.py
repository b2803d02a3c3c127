import threading
import time
from typing import cast

import pytest

from embedding.errors import PackRefused
from embedding.packs import Packs
from indexer.model_loading import ModelLoading


class SlowPacks:
    """The shape of `Packs`, loading when told to: a pack of several GB is no thing for a unit test."""

    def __init__(self) -> None:
        self.go, self.loads = threading.Event(), 0
        self.there: set[str] = set()
        self.refused = False

    def loaded(self, fingerprint: str) -> object | None:
        return self if fingerprint in self.there else None

    def get(self, fingerprint: str) -> object:
        self.loads += 1
        assert self.go.wait(20)
        if self.refused:
            raise PackRefused("pack-not-at-hand", "It is not here.", "Put it here.")
        self.there.add(fingerprint)
        return self


def test_a_model_that_takes_long_is_waited_for_in_turns_and_loaded_once() -> None:
    packs = SlowPacks()
    models = ModelLoading(cast(Packs, packs), patience_s=0.1)
    began = time.monotonic()
    assert not models.ready(["a"]) and not models.ready(["a"])
    assert time.monotonic() - began < 10
    packs.go.set()
    while not models.ready(["a"]):
        assert time.monotonic() - began < 20
    assert packs.loads == 1


def test_what_hinders_it_is_raised_and_tried_again() -> None:
    packs = SlowPacks()
    packs.refused = True
    packs.go.set()
    models = ModelLoading(cast(Packs, packs), patience_s=20)
    with pytest.raises(PackRefused):
        models.ready(["a"])
    packs.refused = False
    assert models.ready(["a"]) and models.ready(["a"]) and packs.loads == 2
