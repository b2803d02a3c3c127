"""Stage three: when do words ask for a colour? A text-only lesson for the gate of the colour part.

"In red" must replace the photo's colour, "in linen", "striped" or "shorter" must leave it alone; a gate that
opens for them asks for a garment of no colour. The sentences are those of the other stages (asked colours,
asked facts, whole captions, sentences of people, the atelier's changes), each with its truth; only the gate
learns.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

from atelier import change, sample_garment
from embedding.minilm import TextTower
from embedding.towers import TextHead
from training.captions import change_colour, change_fact, describe
from training.colours import NAMES
from training.sentences import encode_once, names_a_colour
from training.vocabulary import KINDS, WORDS


@dataclass(frozen=True)
class GateTraining:
    """How stage three runs. Saved in the pack."""

    drawn: int = 5000  # changes of drawn garments
    asked: int = 4000  # sentences that ask for a colour, and as many that ask for a fact
    described: int = 3000  # whole captions, half of them without a colour
    steps: int = 600
    batch: int = 1024
    rate: float = 2e-3
    weight_decay: float = 0.01
    noise: float = 0.01  # of the sentence vectors, so that unseen wordings land near


def lessons(config: GateTraining, people: list[str], rng: np.random.Generator) -> tuple[list[str], Tensor]:
    """Sentences and (N,) whether each asks for a colour, 0 or 1."""
    said: list[tuple[str, bool]] = [(text, names_a_colour(text)) for text in people]
    for _ in range(config.drawn):
        _, attribute, words = change(sample_garment(rng), rng)
        said.append((words, attribute == "colour"))
    facts = list(WORDS)
    for _ in range(config.asked):
        said.append((change_colour(int(rng.integers(len(NAMES))), rng).text, True))
        said.append((change_fact(facts[int(rng.integers(len(facts)))], rng).text, False))
    kinds = list(KINDS)
    for n in range(config.described):
        colour = int(rng.integers(len(NAMES))) if n % 2 else -1
        said.append((describe(kinds[int(rng.integers(len(kinds)))], (), colour, rng).text, colour >= 0))
    return [text for text, _ in said], torch.tensor([float(truth) for _, truth in said])


def teach_gate(head: TextHead, text: TextTower, people: list[str], config: GateTraining, seed: int) -> float:
    """Train the gate alone; return its accuracy on a tenth of the lessons that it did not hear."""
    rng = np.random.default_rng([seed, 3])
    sentences, truth = lessons(config, people, rng)
    wordings, every = encode_once(text, sentences)
    vectors = every[[wordings[sentence] for sentence in sentences]]
    first_heard = {sentence: n for n, sentence in enumerate(dict.fromkeys(sentences))}
    held = torch.tensor([first_heard[sentence] % 10 == 0 for sentence in sentences])  # by wording, not by row
    kept = torch.nonzero(~held)[:, 0]
    gate = head.names_colour
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(gate.parameters(), lr=config.rate, weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.steps)
    for _ in range(config.steps):
        rows = kept[torch.randint(len(kept), (config.batch,), generator=generator)]
        noise = config.noise * torch.randn(len(rows), vectors.shape[1], generator=generator)
        loss = F.binary_cross_entropy_with_logits(gate(vectors[rows] + noise)[:, 0], truth[rows])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        right = (gate(vectors[held])[:, 0] > 0) == (truth[held] > 0.5)
    return float(right.float().mean())
