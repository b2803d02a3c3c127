"""Trains the shipped pack `twirl-small`, from pretrained weights and photos to what `load_pack` reads.

    python -m training.small --out packs/twirl-small --data ../shared/data

Stage one fine-tunes every layer of the image tower, stage two trains heads and composer on its features; see
docs/training.md. Masks, drawings and stage one's weights are kept under --work, so that a second run with
--tower starts at stage two.
"""

import argparse
import dataclasses
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from embedding.composer import Balance, Weights
from embedding.minilm import SHA256, TextTower
from embedding.pack import Towers, load_pack
from embedding.pack_files import FORMAT, PackConfig, PackInfo, read_info, read_weights, write_pack
from embedding.tower_pack import text_tower_of
from training.bank import FeatureBank, fill_bank, plain_features
from training.batches import ViewMaker
from training.datasets import Photos, join_photos, load_photos, read_clothing, read_magento
from training.drawn import Edit, draw_families
from training.facts import draw_caption
from training.form import FormTraining, Styles, fit_form, teach_kinds, turn_visual
from training.gate import GateTraining, teach_gate
from training.head_loop import EditPairs, HeadLoop, HeadTraining
from training.kept import kept, tower_name
from training.report import measure
from training.sentences import Phrasebook, encode_once, read_people
from training.sibling_bank import SiblingBank, look_at
from training.sibling_loop import Held, SiblingLoop, SiblingTraining
from training.siblings import Siblings, draw_siblings, plan_siblings
from training.teachers import teacher_features
from training.tower_loop import TowerLoop, TowerTraining
from training.views import ViewConfig
from training.weights import deit_to_vit

DESCRIPTION = (
    "DeiT-tiny fine-tuned on clothing photos, MiniLM, a colour histogram of the garment and a composer"
)
DATA = {
    "clothing-dataset": "4,077 photos of clothes, 17 classes, CC0 (alexeygrigorev), split train",
    "magento2-sample-data": "349 studio photos with texts, OSL-3.0/AFL-3.0, women's half",
    "atelier": "drawn garments of this project",
    "fashion-iq, shoes": "sentences only, for wording (CDLA; MIT)",
    "starts and teachers": "DeiT-tiny, MobileNetEdgeTPU, all-MiniLM-L6-v2 (frozen), each Apache-2.0",
}


@dataclass(frozen=True)
class Recipe:
    """All that decides the pack. Saved in it."""

    seed: int = 0
    threads: int = 2
    families: int = 600  # drawn garments, five pictures each
    drawn_seed: int = 12
    people: int = 6000  # sentences that people wrote, for the wording
    tower: TowerTraining = field(default_factory=TowerTraining)
    heads: HeadTraining = field(default_factory=HeadTraining)
    gate: GateTraining = field(default_factory=GateTraining)
    form: FormTraining = field(default_factory=FormTraining)
    siblings: SiblingTraining = field(default_factory=SiblingTraining)
    views: ViewConfig = field(default_factory=ViewConfig)
    balance: Balance = field(
        default_factory=lambda: Balance(both=Weights(1.0, 0.2, 0.1, 0.4))
    )  # tuned on the stand-ins
    least_kinship: float = 0.6  # tuned on the studio shop: `python -m benchmarks.no_match`


def start_towers(data: Path) -> Towers:
    """Untrained heads on the pretrained transformer."""
    towers = Towers(PackConfig())
    towers.image.vit.load_state_dict(deit_to_vit(data / "weights" / "deit-tiny-patch16-224"))
    nn.init.orthogonal_(towers.image.visual.weight)
    nn.init.orthogonal_(towers.image.colour.weight)
    return towers


def stage_one(
    towers: Towers,
    maker: ViewMaker,
    text: TextTower,
    data: Path,
    work: Path,
    real: int,
    config: TowerTraining,
) -> None:
    """Fine-tune the image tower; its weights are kept in `work`/tower.safetensors."""
    taught = teacher_features(data, maker.photos.squares[:real], work)
    # Drawings have no teacher: a network that saw photos only has little to say of them.
    rest = len(maker.photos) - real
    padded = [torch.from_numpy(np.pad(teacher, ((0, rest), (0, 0)))) for teacher in taught]
    TowerLoop(towers, text, maker, (padded[0], padded[1]), config).run(work / "tower.log")
    save_file(towers.state_dict(), work / "tower.safetensors")


def stage_two(
    towers: Towers,
    maker: ViewMaker,
    text: TextTower,
    data: Path,
    work: Path,
    edits: list[Edit],
    recipe: Recipe,
) -> None:
    """Train heads, composer and the gate of colours; their weights are kept in `work`/heads.safetensors."""
    bank = fill_bank(towers.image.eval(), maker, recipe.heads.posed)
    centre_visual(towers, bank)
    words = [(edit.source, edit.target, edit.words) for edit in edits]
    pairs = EditPairs(bank.variants, words)
    people = read_people(data, recipe.people)
    phrases = Phrasebook(maker.photos, bank, text, people, [edit.words for edit in edits], recipe.seed)
    HeadLoop(towers, bank, phrases, pairs, recipe.heads, recipe.seed).run(work / "heads.log")
    teach_gate(towers.text, text, people, recipe.gate, recipe.seed)
    save_file(towers.state_dict(), work / "heads.safetensors")


def stage_four(towers: Towers, photos: Photos, text: TextTower, work: Path, recipe: Recipe) -> Towers:
    """Fit the form and teach what words want of each part; the towers with a composer that heeds it."""
    config, sizes = recipe.siblings, PackConfig().preprocessing
    wishing = widen(towers, recipe)
    tower = wishing.image.eval()
    held = hold(wishing, photos, text, work, recipe)
    plan = plan_siblings(config.families, config.drawn_seed)
    paths = draw_siblings(plan, work / "siblings", recipe.threads)
    name = tower_name(tower, config.families, config.drawn_seed)
    seen = kept(work / f"siblings-{name}.safetensors", lambda: look_at(tower, paths, sizes))
    if not towers.image.formed:
        turn_visual(towers.image, tower, held.features)
    drawn = drawn_styles(seen[0], plan, recipe.form)
    fit_form(tower, (studio_styles(held.features, photos), drawn), recipe.form)
    bank = SiblingBank(plan, (seen[0], seen[1]), text, recipe.seed)
    SiblingLoop(wishing, bank, held, recipe.balance, config, recipe.seed).run(work / "siblings.log")
    return wishing


def studio_styles(features: Tensor, photos: Photos) -> Styles:
    """The studio shop's photos by garment, in all its colours and from all its sides."""
    rows = [n for n, photo in enumerate(photos.rows) if photo.source == "magento"]
    return Styles(features[rows], [photos.rows[n].garment for n in rows])


def drawn_styles(features: Tensor, plan: Siblings, config: FormTraining) -> Styles:
    """The drawings of garments that are drawn more than once: worn, flat, in other colours."""
    names = plan.styles()
    drawn = Counter(names)
    often = [n for n, name in enumerate(names) if drawn[name] > 1]
    chosen = [names[n] for n in often]
    return Styles(features[often], chosen, config.drawn_within, config.drawn_between)


def widen(towers: Towers, recipe: Recipe) -> Towers:
    """The same towers with a form and a wish; what these add is not taught yet."""
    form, learned = recipe.form.width, recipe.siblings
    shape = dataclasses.replace(towers.config, form=form, wish=learned.wish, turn=learned.turn)
    wider, ours = Towers(PackConfig(tower=shape)), towers.state_dict()
    if not towers.image.formed:  # the visual part gets other directions, and what is kept of them is learned
        anew = ("image.visual.", "composer.keep.")
        ours = {name: each for name, each in ours.items() if not name.startswith(anew)}
    wider.load_state_dict(ours, strict=False)
    return wider


def stage_five(towers: Towers, photos: Photos, work: Path, recipe: Recipe) -> None:
    """Teach kinds from the plain photos of both sources, shops' and people's; nothing else moves."""
    maker = ViewMaker(photos, recipe.views, PackConfig().preprocessing, recipe.seed)
    features, _ = look_plain(towers, maker, work)
    known = np.flatnonzero(maker.kinds != "")
    teach_kinds(towers.image, features[known], list(maker.kinds[known]), recipe.form, recipe.seed)


def look_plain(towers: Towers, maker: ViewMaker, work: Path) -> tuple[Tensor, Tensor]:
    """(N, seen) features and (N, bins) histograms of every photo as it is indexed, kept in `work`."""
    name = tower_name(towers.image, [str(row.path) for row in maker.photos.rows])
    found = kept(work / f"plain-{name}.safetensors", lambda: plain_features(towers.image.eval(), maker))
    return found[0], found[1]


def hold(towers: Towers, photos: Photos, text: TextTower, work: Path, recipe: Recipe) -> Held:
    """Features of the plain photos and vectors of captions for them: what stage four leaves where it is."""
    maker = ViewMaker(photos, recipe.views, PackConfig().preprocessing, recipe.seed)
    features, histograms = look_plain(towers, maker, work)
    rng = np.random.default_rng([recipe.seed, 6])
    said = [
        draw_caption(row, shares, rng).text for row, shares in zip(photos.rows, maker.shares, strict=True)
    ]
    _, source, counts = np.unique(maker.sources, return_inverse=True, return_counts=True)
    shares = 1 / counts[source] / len(counts)  # a small source is held as firmly as a large one
    return Held(features, histograms, encode_once(text, said)[1], shares)


@torch.no_grad()
def centre_visual(towers: Towers, bank: FeatureBank) -> None:
    """Move the visual part's mean to the origin, so that photos differ by wide angles, as colours do."""
    towers.image.visual.bias.sub_(towers.image.visual(bank.features).mean(0))


@dataclass(frozen=True)
class Begun:
    """What is there already, so that the stages before it are not run."""

    tower: Path | None = None  # weights of a finished stage one
    heads: Path | None = None  # a pack: of it stage four goes on
    wishes: Path | None = None  # a pack: of it stage five goes on

    @property
    def pack(self) -> Path | None:
        """The pack to go on from."""
        return self.wishes or self.heads


def train(recipe: Recipe, data: Path, work: Path, out: Path, begun: Begun) -> PackInfo:
    """The whole recipe, or what is left of it."""
    at = time.perf_counter()
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(recipe.threads)
    work.mkdir(parents=True, exist_ok=True)
    text = text_tower_of(PackConfig(text_tower_sha256=SHA256, plain_words=True))
    photos = load_photos(read_clothing(data, "train") + read_magento(data, "train"), work)
    if begun.pack:
        towers = Towers(read_info(begun.pack).config)
        towers.load_state_dict(read_weights(begun.pack, read_info(begun.pack)))
    else:
        towers = three_stages(photos, text, data, work, recipe, begun.tower)
    if not begun.wishes:
        towers = stage_four(towers, photos, text, work, recipe)
    stage_five(towers, photos, work, recipe)
    config = PackConfig(towers.config, balance=recipe.balance, least_kinship=recipe.least_kinship)
    config = dataclasses.replace(config, text_tower_sha256=SHA256, plain_words=True)
    minutes = round((time.perf_counter() - at) / 60, 1)
    return finish(out, towers, config, told(recipe, begun, len(photos), minutes), data, work)


def told(recipe: Recipe, begun: Begun, photos: int, minutes: float) -> dict[str, Any]:
    """What the pack says of its training: its own stages, and what the pack that it goes on from says."""
    if not begun.pack:
        every = {"recipe": dataclasses.asdict(recipe), "data": DATA, "photos": photos}
        return {**every, "minutes": minutes}
    before = read_info(begun.pack)
    last = {"form": dataclasses.asdict(recipe.form), "on": before.fingerprint, "minutes": minutes}
    stage = "stage five" if begun.wishes else "stages four and five"
    learned = {} if begun.wishes else dataclasses.asdict(recipe.siblings)
    return {**before.training, stage: {**learned, **last}}


def three_stages(
    real: Photos, text: TextTower, data: Path, work: Path, recipe: Recipe, tower: Path | None
) -> Towers:
    """Tower, heads and gate."""
    drawn, edits = draw_families(work / "atelier", recipe.families, recipe.drawn_seed, recipe.threads)
    photos = join_photos(real, load_photos(drawn, work))
    maker = ViewMaker(photos, recipe.views, PackConfig().preprocessing, recipe.seed)
    towers = start_towers(data)
    if tower:
        towers.load_state_dict(load_file(tower))
    else:
        stage_one(towers, maker, text, data, work, len(real), recipe.tower)
    stage_two(towers, maker, text, data, work, edits, recipe)
    return towers


def finish(
    out: Path, towers: Towers, config: PackConfig, facts: dict[str, object], data: Path, work: Path
) -> PackInfo:
    """Write the pack, measure what was written, and write the figures into it."""
    parts = config.tower.parts
    info = PackInfo(
        format=FORMAT,
        name="twirl-small",
        description=DESCRIPTION,
        licence="Apache-2.0",
        dimension=parts.dimension,
        text_dimension=config.tower.text_dimension,
        fingerprint="",
        weights_sha256="",
        config=config,
        training=facts,
        metrics={},
    )
    write_pack(out, info, towers.state_dict())
    metrics = measure(load_pack(out, threads=torch.get_num_threads()), data, work)
    return write_pack(out, dataclasses.replace(info, metrics=metrics), towers.state_dict())


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="directory of the pack to write")
    parser.add_argument("--data", type=Path, required=True, help="the data folder (see its README)")
    parser.add_argument("--work", type=Path, default=Path("runs/small"), help="caches, logs and checkpoints")
    parser.add_argument("--steps", type=int, default=TowerTraining.steps, help="steps of stage one")
    parser.add_argument("--tower", type=Path, help="weights of a finished stage one")
    parser.add_argument("--heads", type=Path, help="folder of a pack: stages four and five go on from it")
    parser.add_argument("--wishes", type=Path, help="folder of a pack: stage five goes on from it")
    parser.add_argument("--threads", type=int, default=Recipe.threads, help="cores to use")
    asked = parser.parse_args()
    recipe = Recipe(threads=asked.threads, tower=TowerTraining(steps=asked.steps))
    begun = Begun(asked.tower, asked.heads, asked.wishes)
    info = train(recipe, asked.data, asked.work, asked.out, begun)
    print(f"{info.name} {info.fingerprint} in {asked.out}")
    for name, figure in info.metrics.items():
        print(f"  {name}: {figure}")


if __name__ == "__main__":
    main()
