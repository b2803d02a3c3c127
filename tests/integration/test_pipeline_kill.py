"""kill -9 of the indexer and of the engine in the middle of an import; then the doctor finds nothing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.bar import ROOT
from benchmarks.indexing_kill import Worker, run, write_feed
from benchmarks.indexing_shop import Shop, picture
from catalog.importing.imports import import_feed
from indexer.sweeper import unfinished


@pytest.mark.slow
def test_kills_during_an_import_lose_and_duplicate_nothing(tmp_path: Path) -> None:
    for bar in run(tmp_path, items=60, kills=3, seed=11):
        assert bar.ok, bar


def test_the_indexer_stops_cleanly_when_asked(tmp_path: Path) -> None:
    """SIGTERM in the middle of work: it ends by itself, soon, and holds nothing any more."""
    shop = Shop(tmp_path)
    shop.start_engine()
    worker = Worker(tmp_path, None)
    try:
        for number in range(40):
            shop.put(f"S{number}", picture(number))
        worker.start()
        deadline = time.monotonic() + 60
        while unfinished(shop.sessions) > 30 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert worker.process is not None
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(30) == 0
        assert shop.differences() == []
        worker.start()
        while unfinished(shop.sessions) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert unfinished(shop.sessions) == 0 and shop.differences() == []
    finally:
        worker.stop()
        shop.close()


def test_an_import_that_is_killed_is_taken_up_by_the_next_one(tmp_path: Path) -> None:
    """The importer's own process dies; what it committed is indexed, the rest comes with the next import."""
    feed = write_feed(tmp_path, 60)
    shop = Shop(tmp_path / "data")
    shop.start_engine()
    code = (
        "import sys; from pathlib import Path; from benchmarks.indexing_shop import Shop;"
        "from catalog.importing.imports import import_feed;"
        "shop = Shop(Path(sys.argv[1])); print('importing', flush=True);"
        "import_feed(shop.sessions, shop.merchant, Path(sys.argv[2]), Path(sys.argv[3]), shop.incoming)"
    )
    command = [sys.executable, "-c", code, str(shop.root), str(feed), str(tmp_path / "pictures")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None and process.stdout.readline()
        time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        import_feed(shop.sessions, shop.merchant, feed, tmp_path / "pictures", shop.incoming)
        pipeline = shop.pipeline()
        while pipeline.step():
            pass
        assert shop.store.count(shop.collection) == 60 and shop.differences() == []
    finally:
        process.kill()
        shop.close()
