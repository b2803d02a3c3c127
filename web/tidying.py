"""Keeps the promise on every page: shoppers' photos are deleted when their time is over."""

import threading

from structlog import get_logger

from searcher.photos import QueryPhotos

log = get_logger("web")


def start(photos: QueryPhotos, every_s: float = 600.0) -> threading.Event:
    """Forget old photos now and every `every_s` seconds, in a thread, until the event is set."""
    stop = threading.Event()
    threading.Thread(target=_run, args=(photos, every_s, stop), name="tidying", daemon=True).start()
    return stop


def _run(photos: QueryPhotos, every_s: float, stop: threading.Event) -> None:
    while True:
        try:
            forgotten = photos.purge()
            if forgotten:
                log.info("photos-forgotten", photos=forgotten)
        except OSError as error:  # a full or missing disk is for the health page; the next round tries again
            log.warning("photos-not-forgotten", cause=repr(error))
        if stop.wait(every_s):
            return
