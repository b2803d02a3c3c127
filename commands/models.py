"""Commands on model packs and their indexes: list, fill, compare, switch, drop."""

import time
from collections.abc import Callable
from pathlib import Path

import click
from rich.progress import Progress

from bootstrap import Services
from catalog.fills import fill_progress
from catalog.operations import VectorIndex
from catalog.site import IndexRef, SiteRefused, SiteState, live_index, read_site
from launcher.embedded import prepare
from launcher.show import bar, progress, say
from launcher.show_models import named, print_models, print_report

STILL_S = 60.0  # without progress, after which it is said what may be missing
LOOK_S = 0.5


@click.group(invoke_without_command=True)
@click.pass_context
def models(context: click.Context) -> None:
    """List the model packs at hand and the indexes that there are of them."""
    if context.invoked_subcommand is None:
        services: Services = context.obj
        prepare(services)
        print_models(services)


@models.command()
@click.argument("said", metavar="FOLDER|HUB_ID")
@click.option("--revision", default="", metavar="SHA", help="The hub's commit. Default: the newest, pinned.")
@click.option("--name", default="", help="What the pack is called. Default: the folder's or the hub's name.")
@click.pass_obj
def add(services: Services, said: str, revision: str, name: str) -> None:
    """Make a model pack of an encoder of photos and words: CLIP, SigLIP, SigLIP 2.

    FOLDER holds it as it was published; HUB_ID, like `owner/name`, is fetched once. Only safetensors are read
    and no code that comes along runs. `twirl reembed --pack NAME` then fills an index with it.
    """
    from embedding.adding import add_encoder, name_for
    from embedding.hub import encoder_source

    prepare(services)
    folder, origin = encoder_source(said, revision)
    packs = services.pack_folders
    taken = {each.name: each.fingerprint for each in packs}
    pack = add_encoder(folder, packs.kept, name_for(name or origin.name), origin, taken)
    services.pack_folders.keep(pack)
    say(
        f"Added: {pack.name} ({pack.fingerprint[:16]}), {pack.dimension} numbers a picture, in {pack.folder}."
    )
    say(f"Fill an index with it: twirl reembed --pack {pack.name}")


@models.command()
@click.argument("fingerprint")
@click.pass_obj
def drop(services: Services, fingerprint: str) -> None:
    """Give up an index that is not live, and its vectors.

    FINGERPRINT may be the beginning of one, or the pack's name. Only `twirl reembed` brings the index back.
    """
    from launcher.embedded import borrowed

    prepare(services)
    index = read_site(services.sessions).find(fingerprint)
    if index.live:
        raise _is_live(index)
    with borrowed(services, ("engine",), say):
        services.operations.drop(index.id)
    say(f"Dropped: {named(index)}. Live: {named(live_index(read_site(services.sessions)))}.")


@click.command()
@click.option(
    "--pack", "said", required=True, metavar="NAME|FOLDER", help="The pack, as `twirl models` lists it."
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0),
    help="Images a second, at most. 0: as fast as it goes (the default).",
)
@click.option("--no-wait", is_flag=True, help="Return at once; it is filled while Twirl runs.")
@click.pass_obj
def reembed(services: Services, said: str, rate: float | None, no_wait: bool) -> None:
    """Fill a second index with another model pack, from the stored pictures, while the shop goes on.

    New and edited items are written to both. Run it again to go on watching, or to change the rate. When
    it is done, `twirl diff` compares the two and `twirl switch` makes the new one live.
    """
    from indexer.fill_begin import begin_fill
    from launcher.embedded import borrowed

    prepare(services)
    pack = services.pack_folders.choose(said)
    services.pack_folders.keep(pack)
    with borrowed(services, ("engine",) if no_wait else ("engine", "indexer"), say) as tend:
        index = begin_fill(
            services.sessions,
            services.store,
            fingerprint=pack.fingerprint,
            pack=pack.name,
            dimension=pack.dimension,
            rate=rate,
        )
        if index.state == "filling":
            services.doorbell.ring(())
            if no_wait:
                say(f"Filling: {named(index)}, while Twirl runs. `twirl models` says how far it is.")
                return
            try:
                with progress() as bars:
                    index = _watch(services, index, bars, tend)
            except KeyboardInterrupt:
                say("The fill goes on while Twirl runs; the same command watches it again.")
                raise
    _say_ready(services, index)


@click.command()
@click.argument("name", default="", metavar="[FINGERPRINT|NAME]")
@click.option("--back", is_flag=True, help="To the index that was live before.")
@click.pass_obj
def switch(services: Services, name: str, back: bool) -> None:
    """Make another index the live one: for every search, in every process, within a second.

    Without a name it is the only other one that is ready. The index that was live is kept and kept up to
    date: `twirl switch --back` returns to it.
    """
    prepare(services)
    state = read_site(services.sessions)
    if back:
        index = services.operations.switch_back()
    else:
        wanted = state.find(name) if name else _only_other(state)
        services.pack_folders.find(wanted.fingerprint)  # what no machine can load answers nobody
        index = services.operations.switch(wanted.id)
    now = read_site(services.sessions)
    before = f" Kept: {named(now.previous)}; `twirl switch --back` returns to it." if now.previous else ""
    say(f"Live: {named(index)}.{before}")


@click.command()
@click.option(
    "--pack", "said", default="", metavar="NAME", help="The other index. Default: the one that is ready."
)
@click.option("--queries", default=200, show_default=True, type=click.IntRange(1, 2000))
@click.option(
    "--out",
    default="model-diff.html",
    show_default=True,
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="The page to write.",
)
@click.pass_obj
def diff(services: Services, said: str, queries: int, out: Path) -> None:
    """Ask the live model and another one the same, and write a page that shows what would change.

    The searches are the latest that shoppers made; where those are too few, they are drawn from the items.
    """
    from launcher.embedded import borrowed
    from launcher.preflight import check_device, check_file
    from searcher.diff import compare_models
    from searcher.diff_page import report_page

    prepare(services)
    check_device(services.settings.model.device)
    check_file(out, "--out")
    state = read_site(services.sessions)
    other = state.find(said) if said else _only_other(state)
    if other.live:
        raise SiteRefused(
            "index-live", f"{named(other)} is the live model itself.", "Name another: twirl models"
        )
    with borrowed(services, ("engine",), say), progress() as bars:
        show = bar(bars, "searching")
        report = compare_models(services.searcher, services.photos, other.fingerprint, queries, show)
    out.write_text(report_page(report, services.blobs, services.photos), "utf-8")
    print_report(report)
    say(f"Written: {out}")


def _watch(services: Services, index: IndexRef, bars: Progress, tend: Callable[[], None]) -> IndexRef:
    """Show how far the fill is until it is ready."""
    show = bar(bars, "filling")
    moved_at, done, told = time.monotonic(), -1, False
    while True:
        state = read_site(services.sessions)
        now_index = next((each for each in state.indexes if each.id == index.id), None)
        if now_index is None or now_index.state == "dropping":
            raise SiteRefused(
                "index-dropped", f"The index of {index.pack} is being dropped.",
                "Run `twirl reembed` again once `twirl models` no longer lists it.",
            )  # fmt: skip
        with services.sessions() as session:
            now = fill_progress(session, index.id)
        show(now.done, now.total)
        if now_index.state == "ready":
            return now_index
        if now.done != done:
            moved_at, done = time.monotonic(), now.done
        elif not told and not now.comparing and time.monotonic() - moved_at > STILL_S:
            told = True
            say("Nothing has moved for a minute: is a worker running, and has it the pack? See its log.")
        tend()
        time.sleep(LOOK_S)


def _say_ready(services: Services, index: IndexRef) -> None:
    if index.live:
        say(f"{named(index)} is live already.")
        return
    with services.sessions() as session:
        message = session.get_one(VectorIndex, index.id).message
    say(f"Ready: {named(index)}. {message}".rstrip())
    short = index.fingerprint[:16]
    say(f"Compare: twirl diff --pack {short}   Make it live: twirl switch {short}")


def _only_other(state: SiteState) -> IndexRef:
    """The one index that may be meant. Raises SiteRefused."""
    others = [each for each in state.maintained if not each.live]
    ready = [each for each in others if each.state == "ready"]
    if len(ready) == 1 or len(others) == 1:
        return (ready or others)[0]
    if not others:
        raise SiteRefused(
            "no-other-index", "There is only the live index.",
            "Fill another one first: twirl reembed --pack NAME (`twirl models` lists the packs).",
        )  # fmt: skip
    known = ", ".join(f"twirl switch {each.fingerprint[:16]} ({each.pack})" for each in ready or others)
    raise SiteRefused(
        "index-ambiguous", "There are several indexes to switch to.", f"Name one of them: {known}."
    )


def _is_live(index: IndexRef) -> SiteRefused:
    return SiteRefused(
        "index-live", f"{named(index)} is the live index.", "Switch to another one first: twirl switch"
    )


COMMANDS = (models, reembed, diff, switch)
