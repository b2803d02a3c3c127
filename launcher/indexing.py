"""The indexer's process, and the doctor's round."""

from bootstrap import Services
from indexer import doctor
from indexer.doctor import Difference
from indexer.runner import Rounds, run_forever, stop_on_signals


def run_indexer(services: Services) -> None:
    """Index what the ledger has queued, until SIGTERM."""
    stop = stop_on_signals()
    chosen = services.settings.indexing
    run_forever(
        services.pipeline(),
        stop,
        bell=services.wake_file,
        nice=chosen.indexer_nice,
        rounds=Rounds(lease=services.lease_s),
        fills=services.filler(),
    )
    services.close()


def examine(services: Services) -> list[Difference]:
    """What differs between database, pictures and index."""
    return doctor.diagnose(
        services.sessions, services.blobs, services.incoming, services.store, services.fingerprint
    )


def mend(services: Services) -> list[Difference]:
    """Mend what differs as far as it can be; return what was found. The indexer does the rest."""
    return doctor.repair(
        services.sessions, services.blobs, services.incoming, services.store, services.fingerprint
    )
