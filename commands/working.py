"""Commands of the deployed shape's workers: those that index, and the beat that looks after them."""

from dataclasses import replace

import click
from structlog import get_logger

from bootstrap import Services
from settings.shapes import POOLS, check

log = get_logger("worker")


@click.command()
@click.option("--queues", metavar="NAMES", help="With commas between. Default: TWIRL_WORKER_QUEUES.")
@click.option("--concurrency", type=click.IntRange(1), help="Tasks at once: TWIRL_WORKER_CONCURRENCY.")
@click.option("--pool", type=click.Choice(POOLS), help="Default: TWIRL_WORKER_POOL.")
@click.pass_obj
def worker(services: Services, queues: str | None, concurrency: int | None, pool: str | None) -> None:
    """Run a worker of the deployed shape: it takes what waits in the ledger into the index.

    Start as many as you like, on any machine that reaches the database, Redis and Qdrant.
    """
    from launcher.deployed import check_deployed
    from launcher.preflight import check_device
    from launcher.working import run_worker

    check_deployed(services, "worker")
    chosen = services.settings.queue
    said = replace(
        chosen,
        worker_queues=queues or chosen.worker_queues,
        worker_concurrency=concurrency or chosen.worker_concurrency,
        worker_pool=pool or chosen.worker_pool,
    )
    working = Services(replace(services.settings, queue=said))
    check(working.settings)
    check_device(working.settings.model.device)
    working.log_as("worker")
    run_worker(working, log.info)  # one JSON line, as everything else that it says


@click.command()
@click.pass_obj
def beat(services: Services) -> None:
    """Run the beat of the deployed shape: it looks at the ledger and rings for whatever is due.

    One is enough; a second does no harm.
    """
    from launcher.deployed import check_deployed
    from launcher.working import run_beat

    check_deployed(services, "beat")
    services.observe("beat")
    run_beat(services, log.info)


COMMANDS = (worker, beat)
