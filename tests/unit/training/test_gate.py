"""The gate learns, from sentences alone, which words ask for a colour."""

import pytest
import torch

from embedding.minilm import TextTower, find_minilm
from embedding.towers import TextHead, TowerConfig
from training.gate import GateTraining, teach_gate

SMALL = GateTraining(drawn=300, asked=300, described=100, steps=150, batch=256)


@pytest.fixture(scope="module")
def text() -> TextTower:
    return TextTower(find_minilm())


def gate_of(head: TextHead, text: TextTower, *sentences: str) -> list[float]:
    with torch.no_grad():
        return head(text.encode(list(sentences)))[2][:, 0].tolist()


def test_colours_open_it_and_other_changes_do_not(text: TextTower) -> None:
    torch.manual_seed(0)
    head = TextHead(TowerConfig())
    assert teach_gate(head, text, [], SMALL, seed=0) > 0.9
    assert min(gate_of(head, text, "the same but in red", "i want it in navy")) > 0.7
    assert max(gate_of(head, text, "with long sleeves", "make it shorter", "in linen please")) < 0.3


def test_only_the_gate_learns_and_twice_the_same(text: TextTower) -> None:
    heads = []
    for _ in range(2):
        torch.manual_seed(1)
        heads.append(TextHead(TowerConfig()))
        before = heads[-1].aligned[1].weight.clone()
        teach_gate(heads[-1], text, ["has a red collar"], SMALL, seed=1)
        assert torch.equal(before, heads[-1].aligned[1].weight)
    assert torch.equal(heads[0].names_colour[1].weight, heads[1].names_colour[1].weight)
