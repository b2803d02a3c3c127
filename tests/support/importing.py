"""A worker that takes imports in, over a database and a folder; as a process of its own, to be killed.

python -m tests.support.importing DATABASE_URL FOLDER
"""

import os
import sys
import time
from pathlib import Path

from catalog.database import Sessions, open_engine, sessions
from catalog.importing.feed_process import FeedLimits
from catalog.pictures.decoder import Decoder
from catalog.storage.blobs import Incoming
from catalog.storage.feed_files import FeedFiles
from catalog.storage.folders import FolderBlobs, FolderIncoming
from indexer.feed_fetch import FeedFetcher
from indexer.importing import Imports
from indexer.machine import worker_name


def imports(
    ledger: Sessions, folder: Path, worker: str = "", limits: FeedLimits | None = None
) -> Imports:  # fmt: skip
    """The importing part of a worker whose images lie in `folder`; its decoder starts when it is needed."""
    for name in ("blobs", "incoming"):
        (folder / name).mkdir(exist_ok=True)
    incoming: Incoming = FolderIncoming(folder / "incoming")
    return Imports(
        ledger, FeedFiles(folder, folder), FolderBlobs(folder / "blobs"), incoming, Decoder(),
        worker or worker_name(os.getpid()), FeedFetcher(2**20, allow_private=True, deadline_s=10),
        limits=limits or FeedLimits(),
    )  # fmt: skip


if __name__ == "__main__":
    at_work = imports(sessions(open_engine(sys.argv[1])), Path(sys.argv[2]))
    print("ready", flush=True)
    while True:
        if not at_work.step():
            time.sleep(0.05)
