"""How long work on the engine waits for it, and what is said meanwhile."""

import logging

import pytest

from indexer import patience
from indexer.patience import patiently
from vectors.protocol import FORBIDDEN, VectorStoreUnavailable


class Engine:
    """Fails so many times before it answers."""

    def __init__(self, failures: int, code: str = "vectors-away") -> None:
        self.failures, self.code, self.asked = failures, code, 0

    def collections(self) -> list[str]:
        self.asked += 1
        if self.asked <= self.failures:
            raise VectorStoreUnavailable(self.code, "It does not answer.", "Start it.")
        return ["images"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "LONGEST_PAUSE_S", 0.02)
    monkeypatch.setattr(patience, "PAUSE_S", 0.01)
    monkeypatch.setattr(patience, "PATIENCE_S", 0.3)


def test_a_short_absence_is_waited_for_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    engine = Engine(3)
    assert patiently(engine.collections) == ["images"] and engine.asked == 4
    assert not caplog.records


def test_a_long_one_is_said_once_and_ends(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "SILENT_S", 0.05)
    engine = Engine(10_000)
    with caplog.at_level(logging.WARNING), pytest.raises(VectorStoreUnavailable):
        patiently(engine.collections)
    assert len(caplog.records) == 1 and "Waiting" in caplog.text and "does not answer" in caplog.text


def test_a_key_that_is_refused_is_not_tried_again() -> None:
    engine = Engine(10_000, FORBIDDEN)
    with pytest.raises(VectorStoreUnavailable):
        patiently(engine.collections)
    assert engine.asked == 1
