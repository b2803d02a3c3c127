"""What the terminal shows of model packs, their indexes and comparisons."""

from rich.table import Column, Table
from rich.text import Text

from bootstrap import Services
from catalog.fills import FillProgress, fill_progress
from catalog.operations import VectorIndex
from catalog.site import IndexRef, SiteState, read_site
from launcher.show import console, say
from searcher.diff import Report


def print_models(services: Services) -> None:
    """Print the packs at hand with what there is of their indexes; a damaged pack says so."""
    state = read_site(services.sessions)
    packs = list(services.pack_folders)
    table = Table("", "pack", Column("fingerprint", no_wrap=True), "size", "index")
    table.add_column("folder", overflow="fold")
    indexes = {index.fingerprint: index for index in state.indexes}
    for index in state.indexes:
        folders = [pack.folder for pack in packs if pack.fingerprint == index.fingerprint]
        mark, where = "*" if index.live else "", str(folders[0]) if folders else "not on this machine"
        cells = index.fingerprint[:16], str(index.dimension), Text(_standing(services, state, index))
        table.add_row(mark, Text(index.pack), *cells, Text(where))
    for pack in packs:
        if pack.fingerprint not in indexes:
            name = Text(f"{pack.name} (damaged)" if pack.damaged else pack.name)
            size = str(pack.dimension) if pack.dimension else ""
            table.add_row("", name, pack.fingerprint[:16], size, "none", Text(str(pack.folder)))
    console.print(table)
    if notice := services.pack_notice():
        say(notice)


def _standing(services: Services, state: SiteState, index: IndexRef) -> str:
    if index.live:
        return "live"
    if index.state == "filling":
        with services.sessions() as session:
            return f"filling: {_far(fill_progress(session, index.id))}"
    with services.sessions() as session:
        message = session.get_one(VectorIndex, index.id).message
    what = "ready, live before" if state.previous == index else index.state
    return f"{what}. {message}" if message else what


def _far(now: FillProgress) -> str:
    if now.comparing:
        return f"{now.done} of {now.total}, comparing"
    share = 100 * now.done // max(now.total, 1)
    speed = f", {now.per_s:.0f} a second" if now.per_s else ""
    left = f", {_duration(now.seconds_left)} left" if now.seconds_left is not None else ""
    return f"{now.done} of {now.total} ({share} %){speed}{left}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{rest} s"


def print_report(report: Report) -> None:
    """Print the figures of a comparison of two models."""
    asked = "logged" if report.logged else "drawn"
    both = f"{named(report.live)}, live, and {named(report.candidate)}"
    say(f"{len(report.changes)} {asked} searches on {both}:")
    (mine, _), (theirs, _) = report.latency("live"), report.latency("candidate")
    table = Table.grid(padding=(0, 2))
    table.add_row("  same among the first ten", f"{report.overlap:.0%}")
    table.add_row("  same first hit", f"{report.same_top:.0%}")
    table.add_row("  mean shift", f"{report.shift:.1f} places")
    table.add_row("  median time", f"{mine:.0f} ms live, {theirs:.0f} ms the other")
    console.print(table, highlight=False)


def named(index: IndexRef) -> str:
    """A pack's name with the beginning of its fingerprint."""
    return f"{index.pack} ({index.fingerprint[:16]})"
