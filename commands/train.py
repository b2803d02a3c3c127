"""Commands that learn: train on the shop's own catalogue, judge a candidate and let it in, list who was."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Column, Table
from rich.text import Text

from bootstrap import Services
from catalog.models import Merchant
from commands.models import models
from commands.options import MERCHANT
from launcher.embedded import prepare
from launcher.show import bar, console, progress, say

if TYPE_CHECKING:
    # These bring PyTorch, which takes seconds to import: `twirl --help` must not wait for it.
    from training.catalogue.judgement import Judgement
    from training.catalogue.run import Workshop

FOLDER = click.Path(file_okay=False, path_type=Path)


class PromotionRefused(Exception):
    """A candidate is not let in; `fix` says how it could be."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(message)
        self.code, self.message, self.fix = code, message, fix


@click.command()
@click.option(
    "--catalogue", is_flag=True, help="Learn from the items of the shop: photos and what the feed says."
)
@click.option("--out", type=FOLDER, help="Folder of the candidate pack. Default: in the data folder.")
@click.option("--name", default="", help="The candidate's name. Default: the live pack's with the shop's.")
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Which articles are held out."
)
@click.option("--steps", type=click.IntRange(min=1), help="How long to learn. Default: 600 batches.")
@click.option("--threads", default=1, show_default=True, type=click.IntRange(min=1), help="Cores to use.")
@MERCHANT
@click.pass_obj
def train(
    services: Services,
    catalogue: bool,
    out: Path | None,
    name: str,
    seed: int,
    steps: int | None,
    threads: int,
    merchant: str | None,
) -> None:
    """Learn from the shop's own catalogue and write a candidate model pack.

    Items that differ in one attribute teach heads and composer of the live pack; a quarter of the articles is
    held out to judge by. Nothing changes in the shop. Cut off, the same command goes on where it was.
    """
    if not catalogue:
        raise click.UsageError("Say what to learn from: twirl train --catalogue")
    from training.catalogue.recipe import Recipe
    from training.catalogue.run import candidate_name, train_on_catalogue

    prepare(services)
    shop = services.merchant(merchant)
    workshop = _workshop(services, shop)
    live = services.pack_folders.choose(services.fingerprint)
    recipe = Recipe(seed=seed, threads=threads, steps=steps or Recipe.steps)
    called = name or candidate_name(live.folder, shop.slug)
    folder = (out or workshop.folder / "candidate").expanduser().resolve()
    outcome = train_on_catalogue(
        _export(services, shop, workshop), live.folder, folder, workshop, recipe, called
    )
    print_judgement(outcome.judgement)
    say(f"Learned from {outcome.pairs} pairs in {outcome.seconds:.0f} s: {outcome.name} in {folder}")
    if objections := outcome.judgement.objections():
        say("It has not won: " + "; ".join(objections) + ". Nothing changes.")
    else:
        say(f"It has won. Let it in: twirl models promote {folder}")


@models.command()
@click.argument("candidate", metavar="NAME|FOLDER")
@click.option("--force", is_flag=True, help="Let it in although it has not won; takes --reason.")
@click.option("--reason", default="", help="Why; kept with the table (twirl models promotions).")
@MERCHANT
@click.pass_obj
def promote(services: Services, candidate: str, force: bool, reason: str, merchant: str | None) -> None:
    """Let a candidate pack in if it beats the live one on held-out articles of the shop.

    It must also beat photo alone, words alone, their sum and slerp. One that is let in is kept with the
    installation's packs: `twirl reembed` fills its index and `twirl switch` makes it live.
    """
    from catalog.promotions import note_promotion

    if force != bool(reason.strip()):
        raise click.UsageError("--force and --reason go together: say why, and it is kept with the table.")
    prepare(services)
    pack = services.pack_folders.choose(candidate)
    live = services.pack_folders.choose(services.fingerprint)
    if pack.fingerprint == live.fingerprint:
        raise PromotionRefused(
            "candidate-live",
            f"{pack.name} is the live pack itself.",
            "Train another: twirl train --catalogue",
        )
    judgement = _judged(services, services.merchant(merchant), live.folder, pack.folder)
    print_judgement(judgement)
    objections = judgement.objections()
    if objections and not force:
        raise PromotionRefused(
            "candidate-lost",
            f"{pack.name} ({pack.fingerprint[:16]}) has not won: {'; '.join(objections)}.",
            'Keep the live pack, or let it in all the same: --force --reason "why"',
        )
    services.pack_folders.keep(pack)
    with services.sessions.begin() as session:
        note_promotion(
            session, pack=pack.name, fingerprint=pack.fingerprint, live_fingerprint=live.fingerprint,
            forced=bool(objections), reason=reason.strip(), figures=judgement.record(),
        )  # fmt: skip
    how = "although it had not won" if objections else "it has won"
    say(f"Promoted, {how}: {pack.name} ({pack.fingerprint[:16]}).")
    say(f"Fill its index: twirl reembed --pack {pack.fingerprint[:16]}")


@models.command()
@click.pass_obj
def promotions(services: Services) -> None:
    """List the candidates that were let in: when, against which pack, with what figures, and why."""
    from catalog.promotions import list_promotions

    prepare(services)
    with services.sessions() as session:
        rows = list_promotions(session)
    for row in rows:
        found = row.figures["R@1, R@10"]
        before, after = (found[f"{whose}: composed"] for whose in ("live", "candidate"))
        why = f"forced: {row.reason}" if row.forced else row.reason or "won"
        console.print(Text(f"{row.at:%Y-%m-%d %H:%M}  {row.pack} ({row.fingerprint[:16]}), {why}"))
        figures = f"R@1, R@10 {before[0]:.1f}, {before[1]:.1f} -> {after[0]:.1f}, {after[1]:.1f}"
        console.print(f"  against {row.live_fingerprint[:16]}: {figures}")
    if not rows:
        console.print("No candidate was let in yet.")


def print_judgement(judgement: "Judgement") -> None:
    """Print both packs on the held-out articles, each method with its 95 % interval, and the gains."""
    said = f"{len(judgement.exam)} questions about held-out articles, {judgement.exam.items} items"
    table = Table(
        "", *(Column(name, justify="right") for name in ("live R@1", "R@10", "candidate R@1", "R@10"))
    )
    rows = [(method, (live, judgement.candidate[method])) for method, live in judgement.live.items()]
    if judgement.words is not None:
        rows.append(("captions, no photo", judgement.words))
    for method, both in rows:
        cells = []
        for result in both:
            low, high = result.interval(1)
            cells += [f"{result.percent(1):.1f} [{low:.1f}, {high:.1f}]", f"{result.percent(10):.1f}"]
        table.add_row(method, *cells)
    say(f"{said}:")
    console.print(table)
    for name, (queries, before, after) in judgement.by_attribute().items():
        say(f"  {name}: {before:.1f} -> {after:.1f} R@1, {queries} questions")
    gain, low, high = judgement.gain(judgement.live["composed"], 1)
    say(f"  composed R@1, candidate against live: {gain:+.1f} [{low:+.1f}, {high:+.1f}]")


def _judged(services: Services, shop: Merchant, live: Path, candidate: Path) -> "Judgement":
    """Both packs on the catalogue as it is now, with the candidate's own split."""
    from training.catalogue.run import judge, recipe_of, take_stock

    workshop = _workshop(services, shop)
    recipe = recipe_of(candidate)
    stock = take_stock(_export(services, shop, workshop), recipe)
    return judge(stock, live, candidate, workshop)


def _workshop(services: Services, shop: Merchant) -> "Workshop":
    from training.catalogue.run import Workshop

    folder = services.data / "training" / shop.slug
    folder.mkdir(parents=True, exist_ok=True)
    return Workshop(folder, _shown)


@contextmanager
def _shown(what: str) -> Iterator[Callable[[int, int | None], None]]:
    with progress() as bars:
        yield bar(bars, what)


def _export(services: Services, shop: Merchant, workshop: "Workshop") -> Path:
    from catalog.keeping.export import export_catalogue

    path = workshop.folder / "catalogue.jsonl"
    count = export_catalogue(services.sessions, services.blobs, shop.id, path)
    say(f"{count} items of {shop.slug} with a stored picture")
    return path


COMMANDS = (train,)
