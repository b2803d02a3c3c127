"""The indexer's process, and the doctor's round."""

from collections.abc import Iterator

from bootstrap import Services
from catalog.site import live_index, read_site
from indexer import webhooks
from indexer.doctor import Difference, diagnose
from indexer.mapping import ALIAS
from indexer.mending import make_empty, repair
from indexer.patience import patiently
from indexer.reindex import enqueue_reindex
from indexer.runner import Rounds, run_forever, stop_on_signals


def run_indexer(services: Services) -> None:
    """Index what the ledger has queued, until SIGTERM."""
    stop = stop_on_signals()
    chosen = services.settings.indexing
    activity = services.activity(("images", "embed", "index"))
    with webhooks.beside(services.messenger()):
        run_forever(
            services.pipeline(activity.report),
            stop,
            bell=services.wake_file,
            nice=chosen.indexer_nice,
            rounds=Rounds(
                lease=services.lease_s,
                deleted=chosen.deleted_kept_s,
                query_days=services.settings.model.query_log_days,
            ),
            fills=services.filler(activity),
            beat=activity.beat,
            beside=services.beside(),
            imports=services.imports(stop),
        )
    activity.close()
    services.close()


def examine(services: Services) -> Iterator[Difference]:
    """What differs between database, pictures and indexes."""
    return diagnose(services.sessions, services.blobs, services.incoming, services.store, alone=True)


def mend(services: Services, drop_unknown: bool) -> Iterator[Difference]:
    """Mend what differs as far as it can be, while it is given out. The indexer does the rest.

    The embedded engine is ours alone: a collection that nobody knows is a left-over.
    """
    return repair(
        services.sessions,
        services.blobs,
        services.incoming,
        services.store,
        alone=True,
        drop_unknown=drop_unknown or services.embedded,
    )


def begin_rebuild(services: Services, drop: bool) -> int:
    """Queue every image to be embedded again for every index; return how many.

    With `drop`, the collections are made anew first, and an index that was being filled begins again.
    """
    site = read_site(services.sessions)
    for index in site.maintained if drop else ():
        patiently(services.store.drop, index.collection)
    queued = enqueue_reindex(services.sessions, stage="embed", anew=True)
    for index in site.maintained if drop else ():  # last: that one is missing is what tells of the loss
        make_empty(services.sessions, services.store, index)
    if drop:
        patiently(services.store.point_alias, ALIAS, live_index(site).collection)
    return queued
