"""The command that takes a shop's last import back."""

import time

import click

from accounts import audit
from bootstrap import Services
from catalog.importing import jobs as import_jobs
from catalog.importing.imports import summary_of
from catalog.importing.jobs import OPEN, RequestRefused
from catalog.importing.options import Options
from catalog.importing.tables import ImportRequest
from catalog.importing.undoing import Undoable, undoable
from catalog.merchants import known_merchant
from catalog.models import ImportJob
from commands.options import MERCHANT
from launcher.embedded import prepare
from launcher.show import console, print_failures, progress, say, show_indexing

SHOWN = 20  # products that were edited since
LOOK_S = 0.2  # between two looks at what a worker has taken up before us


@click.command("undo-import")
@MERCHANT
@click.option("--import", "job_id", type=int, metavar="N", help="Only if import N is the last one.")
@click.option(
    "--edited",
    type=click.Choice(["leave", "overwrite"]),
    help="What becomes of products that were edited since the import.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, write nothing.")
@click.option("--no-wait", is_flag=True, help="Return when the products are as before; index later.")
@click.pass_obj
def undo_import(
    services: Services,
    merchant: str | None,
    job_id: int | None,
    edited: str | None,
    dry_run: bool,
    no_wait: bool,
) -> None:
    """Take the last import back: what it made goes, what it changed is as before, what it removed comes back.

    Refused where products were edited since, until --edited says what becomes of them.
    """
    from launcher.embedded import borrowed

    prepare(services)
    shop = known_merchant(services.sessions, merchant) if merchant else services.merchant()
    back, name = _last(services, shop.id, job_id)
    _say_what(back, name)
    if dry_run:
        say("Nothing is written.")
        return
    request_id = _asked(services, shop.id, back, name, edited)
    _done(services, request_id)
    if not no_wait:
        with borrowed(services, ("engine", "indexer"), say) as tend, progress() as bars:
            show_indexing(services, shop.id, bars, tend)
        print_failures(services, shop.id)


def _last(services: Services, merchant_id: int, wanted: int | None) -> tuple[Undoable, str]:
    """What would be taken back, and what it is called. Raises RequestRefused."""
    with services.sessions() as session:
        back = undoable(session, merchant_id, SHOWN)
        if back is None:
            raise RequestRefused(
                "undo-nothing",
                "There is no import that could be taken back: the last that changed anything can be, once.",
                "import the feed of before again",
            )
        job = session.get_one(ImportJob, back.job_id)
        name = f"import {job.id}, {job.filename}, of {job.started_at:%Y-%m-%d %H:%M} UTC"
    if wanted not in (None, back.job_id):
        raise RequestRefused(
            "undo-not-last",
            f"Import {wanted} is not the last one that changed anything; that is {name}.",
            f"look at what taking that back would do: twirl undo-import --import {back.job_id} --dry-run",
        )
    return back, name


def _say_what(back: Undoable, name: str) -> None:
    made = _number(back.created, "product that it made goes", "products that it made go")
    changed = _number(back.updated, "that it changed is", "that it changed are")
    removed = _number(back.removed, "that it removed comes", "that it removed come")
    say(f"{name[0].upper()}{name[1:]}: {made}, {changed} as before, {removed} back.")
    if back.edited:
        say(f"{_number(back.edited, 'of them was', 'of them were')} edited since:")
        for sku, title in back.conflicts:
            say(f"  {sku}  {title or 'deleted'}")
        if back.edited > len(back.conflicts):
            say(f"  and {back.edited - len(back.conflicts)} more")


def _number(n: int, one: str, several: str) -> str:
    return f"{n} {one if n == 1 else several}"


def _asked(services: Services, merchant_id: int, back: Undoable, name: str, edited: str | None) -> int:
    """Put it in the line of imports: one of a shop at a time. Raises RequestRefused."""
    with services.sessions.begin() as session:
        if other := import_jobs.writing(session, merchant_id):
            raise RequestRefused(
                "import-busy",
                f"An import of this shop is waiting or running: {other.filename}.",
                "wait for its end, or stop it in the console",
            )
        now = undoable(session, merchant_id, SHOWN)
        if now is None or now.job_id != back.job_id:
            raise RequestRefused("undo-not-last", f"Something came after {name}.", "look with --dry-run")
        if now.edited and edited is None:
            raise RequestRefused(
                "undo-edited",
                f"{_number(now.edited, 'product was', 'products were')} edited after {name}.",
                "give --edited leave to keep them as they are now, or --edited overwrite to lose those edits",
            )
        options = Options(undo_of=back.job_id, even_edited=edited == "overwrite")
        filename = session.get_one(ImportJob, back.job_id).filename
        said = {"job": back.job_id, "even_edited": options.even_edited}
        audit.write(session, merchant_id, None, "", "import.taken-back", filename, said)
        return import_jobs.enqueue(
            session,
            merchant_id,
            step="undo",
            filename=filename,
            options=options.as_json(),
            asked_by="twirl undo-import",
        )


def _done(services: Services, request_id: int) -> None:
    """Do it here, unless a worker that runs was quicker. Raises RequestRefused where it failed."""
    imports = services.imports()
    while True:
        imports.do(request_id)
        with services.sessions() as session:
            request = session.get_one(ImportRequest, request_id)
            if request.state not in OPEN:
                break
        time.sleep(LOOK_S)
    if request.state != "done" or request.job_id is None:
        raise RequestRefused("undo-failed", request.message, "run it again: it goes on from there")
    with services.sessions() as session:
        done = summary_of(session.get_one(ImportJob, request.job_id))
    left = f", {done.refused} left as they were edited" if done.refused else ""
    console.print(f"{done.removed} gone, {done.updated} as before, {done.created} came back{left}")


COMMANDS = (undo_import,)
