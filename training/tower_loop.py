"""Stage one: every layer of the image tower learns from pairs of views.

Two views of one garment, in two colours and poses, lie together in the visual part; captions lie with the
views that they hold for in the aligned part; attention learns the garment's place; and a head must still
foretell what the pretrained networks said of the plain photo, so that few photos don't undo ImageNet.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

from embedding.minilm import TextTower
from embedding.pack import Towers
from training.batches import ViewMaker, Views
from training.captions import Caption, truth_table
from training.checkpoint import (
    generator_facts,
    load_generator,
    load_module,
    load_optimiser,
    module_tensors,
    optimiser_tensors,
    read_checkpoint,
    save_checkpoint,
)
from training.facts import draw_caption
from training.losses import cosine_distance, gaze_loss, truth_contrast


@dataclass(frozen=True)
class TowerTraining:
    """How stage one runs. Saved in the pack."""

    garments: int = 40  # a batch; each gives two views
    steps: int = 2400
    rate: float = 1.5e-4  # peak, of the top block
    decay_by_layer: float = 0.82  # a block learns this much slower than the one above
    head_rate: float = 1e-3
    weight_decay: float = 0.02
    warmup: float = 0.06  # share of the steps
    fall: float = 0.4  # share of the steps over which the rate falls to nothing
    dyed: float = 0.7  # probability that a view's garment is recoloured
    memory: int = 1200  # earlier views kept as further negatives (cross-batch memory, Wang et al., 2020)
    one_kind: float = 0.5  # share of a batch that is of one kind of garment, so that negatives are hard
    visual_scale: float = 20.0  # inverse temperatures
    aligned_scale: float = 18.0
    colour_scale: float = 14.0
    weight_visual: float = 1.0
    weight_aligned: float = 1.0
    weight_colour: float = 0.5
    weight_gaze: float = 0.5
    weight_teachers: float = 1.5
    studio_share: float = 0.2  # at least this share of a batch comes from each captioned source


class Teachers(nn.Module):
    """Heads that foretell the pretrained networks' features from the visual part. Not kept."""

    def __init__(self, visual: int, deit: int, edge: int) -> None:
        super().__init__()
        self.deit, self.edge = nn.Linear(visual, deit), nn.Linear(visual, edge)


def layer_groups(towers: Towers, config: TowerTraining) -> list[dict[str, object]]:
    """Optimiser groups: each block of the ViT learns slower than the one above it, heads fastest."""
    depth = len(towers.image.vit.blocks)
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in towers.named_parameters():
        rate = config.head_rate
        if name.startswith("image.vit."):
            place = int(name.split(".")[3]) + 1 if ".blocks." in name else 0
            place = depth + 1 if name.startswith("image.vit.norm") else place
            rate = config.rate * config.decay_by_layer ** (depth + 1 - place)
        groups.setdefault(rate, []).append(parameter)
    return [{"params": parameters, "lr": rate, "peak": rate} for rate, parameters in groups.items()]


def learning_rate(step: int, config: TowerTraining) -> float:
    """The share of the peak rate: linear warm-up, a plateau, and a linear fall over the last part."""
    warm, fall = max(1, int(config.warmup * config.steps)), max(1, int(config.fall * config.steps))
    return min((step + 1) / warm, 1.0, max(0.02, (config.steps - step) / fall))


class TowerLoop:
    """Runs stage one over a `ViewMaker`."""

    def __init__(
        self,
        towers: Towers,
        text: TextTower,
        maker: ViewMaker,
        teachers: tuple[Tensor, Tensor],
        config: TowerTraining,
    ) -> None:
        self.towers, self.text, self.maker, self.config = towers, text, maker, config
        self.taught = teachers
        parts = towers.image.parts
        self.teachers = Teachers(parts.visual, teachers[0].shape[1], teachers[1].shape[1])
        groups = layer_groups(towers, config)
        groups.append(
            {"params": list(self.teachers.parameters()), "lr": config.head_rate, "peak": config.head_rate}
        )
        self.optimiser = torch.optim.AdamW(groups, weight_decay=config.weight_decay)
        self.sentences: dict[str, Tensor] = {}
        self.memory = torch.zeros(0, parts.visual)
        self.remembered: list[str] = []  # the garment of each row of the memory

    def run(self, log: Path, progress: int = 5, keep: int = 50) -> None:
        """Train for `config.steps`, or go on where a checkpoint beside `log` ends.

        A JSON line of losses goes to `log` every `progress` steps, a checkpoint beside it every `keep` steps;
        at the end the checkpoint goes.
        """
        self.towers.train()
        start = time.perf_counter()
        checkpoint = log.with_suffix(".checkpoint")
        first = self.resume(checkpoint) if checkpoint.is_file() else 0
        with log.open("a", encoding="utf-8") as stream:
            for step in range(first, self.config.steps):
                for group in self.optimiser.param_groups:
                    group["lr"] = group["peak"] * learning_rate(step, self.config)
                losses = self.step()
                if step % progress == 0:
                    row = {"step": step, "seconds": round(time.perf_counter() - start, 1), **losses}
                    print(json.dumps(row), file=stream, flush=True)
                if (step + 1) % keep == 0:
                    self.save(checkpoint, step + 1)
        self.towers.eval()
        checkpoint.unlink(missing_ok=True)

    def save(self, path: Path, step: int) -> None:
        """Keep all that the next step depends on."""
        tensors = module_tensors("towers", self.towers) | module_tensors("teachers", self.teachers)
        tensors |= optimiser_tensors("optimiser", self.optimiser)
        tensors |= {"memory": self.memory, "views": self.maker.torch_rng.get_state()}
        facts = {"remembered": self.remembered, "draws": generator_facts(self.maker.rng)}
        save_checkpoint(path, step, tensors, facts)

    def resume(self, path: Path) -> int:
        """Take up what `save` kept; the step to go on with."""
        step, tensors, facts = read_checkpoint(path)
        load_module("towers", self.towers, tensors)
        load_module("teachers", self.teachers, tensors)
        load_optimiser("optimiser", self.optimiser, tensors)
        self.memory, self.remembered = tensors["memory"], list(facts["remembered"])
        self.maker.torch_rng.set_state(tensors["views"])
        load_generator(self.maker.rng, facts["draws"])
        return step

    def step(self) -> dict[str, float]:
        """One batch: forward, losses, backward, update."""
        views = self._draw()
        captions = [self._caption(view) for view in views]
        losses = self._losses(views, captions)
        total = torch.stack(list(losses.values())).sum()
        self.optimiser.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.towers.parameters(), 1.0)
        self.optimiser.step()
        return {name: round(float(loss.detach()), 4) for name, loss in losses.items()}

    def _draw(self) -> tuple[Views, Views]:
        maker, config = self.maker, self.config
        hard = int(config.one_kind * config.garments)
        kind = maker.categories[int(maker.rng.integers(len(maker.categories)))]
        alike = self._sample(maker.kinds == kind, hard)
        rest = self._sample(np.ones(len(maker.photos), dtype=bool), config.garments)
        chosen = one_a_garment(np.concatenate([alike, rest]), maker)[: config.garments]
        pair = (chosen, maker.partners(chosen))
        dyed = [maker.rng.random(len(chosen)) < config.dyed for _ in pair]
        return maker.cut(pair[0], dyed[0]), maker.cut(pair[1], dyed[1])

    def _sample(self, among: npt.NDArray[np.bool_], count: int) -> npt.NDArray[np.int64]:
        """`count` photos; a captioned source gets at least its share, however small it is."""
        weights = among.astype(np.float64)
        for source in set(self.maker.sources):
            inside = self.maker.sources == source
            weights[inside] *= max(self.config.studio_share, inside.mean()) / inside.sum()
        size = min(2 * count, int(among.sum()))
        found = self.maker.rng.choice(len(weights), size=size, replace=False, p=weights / weights.sum())
        return one_a_garment(found, self.maker)[:count]

    def _caption(self, views: Views) -> list[Caption]:
        rows = [self.maker.photos.rows[n] for n in views.photos]
        return [
            draw_caption(row, share, self.maker.rng)
            for row, share in zip(rows, views.truth.colours, strict=True)
        ]

    def _encode(self, captions: list[Caption]) -> Tensor:
        fresh = list({caption.text for caption in captions} - self.sentences.keys())
        if fresh:
            self.sentences.update(zip(fresh, self.text.encode(fresh).clone(), strict=True))
        return torch.stack([self.sentences[caption.text] for caption in captions])

    def _losses(self, views: tuple[Views, Views], captions: list[list[Caption]]) -> dict[str, Tensor]:
        config, towers = self.config, self.towers
        with torch.autocast("cpu", torch.bfloat16):
            seen = [towers.image.features(view.pixels, view.histograms) for view in views]
        feature, histogram, gaze = (torch.cat([s[n].float() for s in seen]) for n in range(3))
        visual, _, aligned, colour = towers.image.heads(feature, histogram)
        photos = np.concatenate([view.photos for view in views])
        visual_loss = self._visual_loss(visual, [g for view in views for g in view.truth.garments])
        said = [caption for side in captions for caption in side]
        words, hues, _ = towers.text(self._encode(said))
        truth, known = _truth(views, said)
        colours = torch.tensor([caption.colour >= 0 and not caption.facts for caption in said])
        deit, edge = (teacher[photos] for teacher in self.taught)
        taught = cosine_distance(self.teachers.deit(visual), deit) + cosine_distance(
            self.teachers.edge(visual), edge
        )
        masks, trusted = (torch.cat([getattr(v, name) for v in views]) for name in ("masks", "trusted"))
        return {
            "visual": config.weight_visual * visual_loss,
            "aligned": config.weight_aligned
            * truth_contrast(aligned, words, truth, known, config.aligned_scale),
            "colour": config.weight_colour
            * truth_contrast(
                colour, hues[colours], truth[:, colours], known[:, colours], config.colour_scale
            ),
            "gaze": config.weight_gaze * gaze_loss(gaze, masks, trusted),
            "teachers": config.weight_teachers * taught,
        }

    def _visual_loss(self, visual: Tensor, garments: list[str]) -> Tensor:
        """Each view against its partner, the rest of the batch and the remembered views of other garments."""
        half = len(visual) // 2
        fresh = torch.tensor(
            [[one != other for other in self.remembered] for one in garments[:half]], dtype=torch.bool
        )
        losses = []
        for here, there in ((visual[:half], visual[half:]), (visual[half:], visual[:half])):
            logits = (
                self.config.visual_scale * here @ torch.cat([there, self.memory]).T
            )  # (half, half + memory)
            if len(self.remembered):
                logits[:, half:] = logits[:, half:].masked_fill(~fresh, -1e4)
            losses.append(F.cross_entropy(logits, torch.arange(half)))
        self.memory = torch.cat([visual.detach(), self.memory])[: self.config.memory]
        self.remembered = (garments + self.remembered)[: self.config.memory]
        return torch.stack(losses).mean()


def one_a_garment(photos: npt.NDArray[np.int64], maker: ViewMaker) -> npt.NDArray[np.int64]:
    """The first photo of each garment, in order: no negative is secretly a positive."""
    first: dict[str, int] = {}
    for n in photos:
        first.setdefault(maker.photos.rows[n].garment, int(n))
    return np.array(list(first.values()))


def _truth(views: tuple[Views, Views], captions: list[Caption]) -> tuple[Tensor, Tensor]:
    """(2B photos, C captions) truth and what is known of it."""
    tables = [truth_table(view.truth, captions) for view in views]
    return tuple(torch.from_numpy(np.concatenate([table[n] for table in tables])) for n in (0, 1))  # type: ignore[return-value]
