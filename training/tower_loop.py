"""Stage one: every layer of the image tower learns from pairs of views.

Two views of one garment, in two colours and poses, lie together in the visual part; captions lie with the views
that they hold for in the aligned part; attention learns the garment's place; and a head must still foretell what
the pretrained networks said of the plain photo, so that five thousand photos don't undo ImageNet.
"""

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from embedding.minilm import TextTower
from embedding.pack import Towers
from training.batches import ViewMaker, Views
from training.captions import Caption, truth_table
from training.facts import draw_caption
from training.losses import cosine_distance, gaze_loss, info_nce, truth_contrast


@dataclass(frozen=True)
class TowerTraining:
    """How stage one runs. Saved in the pack."""

    garments: int = 40  # a batch; each gives two views
    steps: int = 700
    rate: float = 1.5e-4  # peak, of the top block
    decay_by_layer: float = 0.82  # a block learns this much slower than the one above
    head_rate: float = 1e-3
    weight_decay: float = 0.02
    warmup: float = 0.06  # share of the steps
    dyed: float = 0.7  # probability that a view's garment is recoloured
    visual_scale: float = 14.0  # inverse temperatures
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


def _schedule(step: int, config: TowerTraining) -> float:
    """Linear warm-up, then a half cosine to a hundredth."""
    warm = max(1, int(config.warmup * config.steps))
    if step < warm:
        return (step + 1) / warm
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, config.steps - warm)))


class TowerLoop:
    """Runs stage one over a `ViewMaker`."""

    def __init__(
        self, towers: Towers, text: TextTower, maker: ViewMaker, teachers: tuple[Tensor, Tensor], config: TowerTraining
    ) -> None:
        self.towers, self.text, self.maker, self.config = towers, text, maker, config
        self.taught = teachers
        parts = towers.image.parts
        self.teachers = Teachers(parts.visual, teachers[0].shape[1], teachers[1].shape[1])
        groups = layer_groups(towers, config)
        groups.append({"params": list(self.teachers.parameters()), "lr": config.head_rate, "peak": config.head_rate})
        self.optimiser = torch.optim.AdamW(groups, weight_decay=config.weight_decay)
        self.sentences: dict[str, Tensor] = {}

    def run(self, log: Path, progress: int = 10) -> None:
        """Train for `config.steps`; one JSON line of losses every `progress` steps goes to `log`."""
        self.towers.train()
        start = time.perf_counter()
        with log.open("a", encoding="utf-8") as stream:
            for step in range(self.config.steps):
                for group in self.optimiser.param_groups:
                    group["lr"] = group["peak"] * _schedule(step, self.config)
                losses = self.step()
                if step % progress == 0:
                    row = {"step": step, "seconds": round(time.perf_counter() - start, 1), **losses}
                    print(json.dumps(row), file=stream, flush=True)
        self.towers.eval()

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
        return {name: round(float(loss), 4) for name, loss in losses.items()}

    def _draw(self) -> tuple[Views, Views]:
        maker, config = self.maker, self.config
        weights = np.ones(len(maker.photos))
        for source in set(maker.sources):
            inside = maker.sources == source
            weights[inside] = max(config.studio_share, inside.mean()) / inside.sum()
        # One photo a garment, so that no negative is secretly a positive.
        order = maker.rng.choice(len(weights), size=3 * config.garments, replace=False, p=weights / weights.sum())
        seen: dict[str, int] = {}
        for n in order:
            seen.setdefault(maker.photos.rows[n].garment, int(n))
        chosen = np.array(list(seen.values())[: config.garments])
        pair = (chosen, maker.partners(chosen))
        dyed = [maker.rng.random(len(chosen)) < config.dyed for _ in pair]
        return maker.cut(pair[0], dyed[0]), maker.cut(pair[1], dyed[1])

    def _caption(self, views: Views) -> list[Caption]:
        rows = [self.maker.photos.rows[n] for n in views.photos]
        return [draw_caption(row, share, self.maker.rng) for row, share in zip(rows, views.truth.colours, strict=True)]

    def _encode(self, captions: list[Caption]) -> Tensor:
        fresh = list({caption.text for caption in captions} - self.sentences.keys())
        if fresh:
            self.sentences.update(zip(fresh, self.text.encode(fresh).clone(), strict=True))
        return torch.stack([self.sentences[caption.text] for caption in captions])

    def _losses(self, views: tuple[Views, Views], captions: list[list[Caption]]) -> dict[str, Tensor]:
        config, towers = self.config, self.towers
        with torch.autocast("cpu", torch.bfloat16):
            seen = [towers.image.look_at(view.pixels, view.histograms) for view in views]
        visual, aligned, colour, gaze = (torch.cat([s[n].float() for s in seen]) for n in range(4))
        half = len(visual) // 2
        photos = np.concatenate([view.photos for view in views])
        same = torch.eye(half, dtype=torch.bool)
        scale = config.visual_scale
        forth = info_nce(visual[:half], visual[half:], same, scale)
        back = info_nce(visual[half:], visual[:half], same, scale)
        said = [caption for side in captions for caption in side]
        words, hues, _ = towers.text(self._encode(said))
        truth, known = _truth(views, said)
        colours = torch.tensor([caption.colour >= 0 and not caption.facts for caption in said])
        deit, edge = (teacher[photos] for teacher in self.taught)
        taught = cosine_distance(self.teachers.deit(visual), deit) + cosine_distance(self.teachers.edge(visual), edge)
        masks, trusted = (torch.cat([getattr(v, name) for v in views]) for name in ("masks", "trusted"))
        return {
            "visual": config.weight_visual * 0.5 * (forth + back),
            "aligned": config.weight_aligned * truth_contrast(aligned, words, truth, known, config.aligned_scale),
            "colour": config.weight_colour
            * truth_contrast(colour, hues[colours], truth[:, colours], known[:, colours], config.colour_scale),
            "gaze": config.weight_gaze * gaze_loss(gaze, masks, trusted),
            "teachers": config.weight_teachers * taught,
        }


def _truth(views: tuple[Views, Views], captions: list[Caption]) -> tuple[Tensor, Tensor]:
    """(2B photos, C captions) truth and what is known of it."""
    tables = [truth_table(view.truth, captions) for view in views]
    return tuple(torch.from_numpy(np.concatenate([table[n] for table in tables])) for n in (0, 1))  # type: ignore[return-value]
