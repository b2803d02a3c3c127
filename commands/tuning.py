"""The command that finds out how this machine encodes pictures best."""

import click
from rich.table import Table

from bootstrap import Services
from launcher.embedded import prepare
from launcher.show import console, say


@click.command()
@click.pass_obj
def tune(services: Services) -> None:
    """Measure how many pictures to encode at once on this machine, and remember it.

    For the live model, on TWIRL_DEVICE, with TWIRL_TORCH_THREADS and TWIRL_PRECISION. Some ten seconds; run
    it while nothing else does. Processes take it up when they start.
    """
    from embedding.batching import best_batch, try_batches
    from embedding.packs import batch_sizes
    from launcher.preflight import check_device

    check_device(services.settings.model.device)

    prepare(services)
    pack = services.packs.get(services.fingerprint)
    table = Table("pictures at once", "a second", "MiB more", title=f"{pack.name} on {services.device}")
    tried = []
    for each in try_batches(pack.forward):
        tried.append(each)
        table.add_row(str(each.batch), f"{each.rate:.1f}", f"{each.memory_mb:.0f}")
    console.print(table)
    sizes = batch_sizes(services.data)
    sizes.note(pack.forward, pack.fingerprint, tried)
    say(f"{best_batch(tried).batch} at once, in {str(pack.forward.dtype).removeprefix('torch.')}.")
    say(f"Noted in {sizes.path}. TWIRL_BATCH, where it is set, is used instead.")


COMMANDS = (tune,)
