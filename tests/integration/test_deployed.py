"""The deployed shape from feed to search, its workers killed, stopped and joined by others."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import structlog
from sqlalchemy import select

from catalog.identity import collection_name
from catalog.importing.jobs import LEASE_S
from catalog.models import Image, Product
from catalog.operations import Worker
from catalog.programs.webhooks import create_webhook, delete_webhook, deliveries_before, send_test
from catalog.site import IndexRef, read_site
from tests.support import asked_imports
from tests.support.deployed import Deployment, Running, deployed, write_feed
from tests.support.packs import disturbed_pack

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployed(tmp_path_factory.mktemp("deployed"), workers=1, web=True) as made:
        yield made


@pytest.fixture(autouse=True)
def well(shop: Deployment) -> Iterator[None]:
    """After each test all that was imported is live, once, and nothing more is in the index."""
    yield
    if not shop.running["worker-1"].alive:
        shop.running["worker-1"].start()
    shop.wait_settled()
    assert set(shop.counts()) <= {"live"}, shop.state()
    assert shop.indexed() == shop.live()
    assert shop.differences() == []


def answer(shop: Deployment, words: str) -> Any:
    body = json.dumps({"words": words, "limit": 50}).encode()
    asked = Request(f"{shop.web_url}/api/v1/search", body, {"Content-Type": "application/json"})
    with urlopen(asked, timeout=30) as answered:
        return json.load(answered)


def search(shop: Deployment, words: str) -> list[str]:
    return [hit["sku"] for hit in answer(shop, words)["hits"]]


def model(shop: Deployment) -> str:
    """The fingerprint of the model that answers."""
    return str(answer(shop, "red")["model"])


def worker_row(shop: Deployment) -> Worker:
    with shop.services.sessions() as session:
        return session.scalars(select(Worker)).one()


def descendants(pid: int) -> list[int]:
    """The processes that a process and its children have started, whatever their group."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found += [child, *descendants(child)]
    return found


def decoders(worker: Running) -> list[int]:
    """The children that decode pictures for a worker."""
    every = descendants(worker.pid)
    return [pid for pid in every if b"images_child" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def gone(pid: int) -> bool:
    """Whether there is no such process, or only its remains."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_feed_goes_from_the_command_line_to_the_search(shop: Deployment) -> None:
    feed = write_feed(shop.folder / "feeds" / "cli", 12, "CLI")
    said = shop.twirl("import", str(feed))
    assert "12 created" in said
    assert shop.unfinished() == 0  # the command has waited for the workers
    assert {f"CLI-{n}" for n in range(12)} <= set(search(shop, "red garment"))
    shop.wait(lambda: worker_row(shop).images >= 12, "the worker's count", 20)
    assert worker_row(shop).queues == "images,embed,index,maintenance"


def test_the_request_that_rang_is_named_by_the_tasks(shop: Deployment) -> None:
    """A task writes its line after the ledger; and the beat, which names nobody, may ring just before it."""

    def named() -> set[str]:
        lines = [json.loads(line) for line in shop.running["worker-1"].said().splitlines() if line[:1] == "{"]
        return {line["event"] for line in lines if line.get("request_id") == "req-of-test"}

    deadline = time.monotonic() + 60
    for attempt in range(20):
        with structlog.contextvars.bound_contextvars(request_id="req-of-test"):
            shop.stock(f"asked{attempt}", 4)
        shop.wait_settled()
        time.sleep(0.5)
        if {"images", "embed"} <= named() or time.monotonic() > deadline:
            break
    assert {"images", "embed"} <= named()


def test_a_worker_that_is_killed_at_work_loses_and_duplicates_nothing(shop: Deployment) -> None:
    worker = shop.running["worker-1"]
    before = shop.live()
    shop.stock("killed", 40)
    shop.wait_live(before + 8)
    held = decoders(worker)
    worker.kill()
    shop.wait(lambda: all(gone(pid) for pid in held), "the decoders' end", 10)
    left = shop.unfinished()
    assert left > 0
    time.sleep(1.5)
    assert shop.unfinished() == left  # nobody works
    worker.start()
    shop.wait_live(before + 40)


def test_a_pool_process_that_is_killed_is_replaced(shop: Deployment) -> None:
    worker = shop.running["worker-1"]
    before = shop.live()
    shop.stock("child", 24)
    shop.wait_live(before + 8)
    (child,) = [pid for pid in worker.children() if pid not in decoders(worker)]
    os.kill(child, signal.SIGKILL)
    shop.wait_live(before + 24, 60)
    assert worker.alive and child not in worker.children()


def test_a_worker_that_is_told_to_stop_ends_its_batch_and_nothing_more(shop: Deployment) -> None:
    worker = shop.running["worker-1"]
    before = shop.live()
    shop.stock("stopped", 40)
    shop.wait_live(before + 8)
    status, seconds = worker.stop()
    assert status == 0 and seconds < shop.services.settings.queue.soft_shutdown_s
    states = shop.counts()
    assert states.get("fetching", 0) == states.get("embedding", 0) == 0
    assert states["queued"] > 0 and shop.workers() == 0
    with shop.services.sessions() as session:
        assert session.scalars(select(Image.id).where(Image.error_code != "")).all() == []
    worker.start()
    shop.wait_live(before + 40)


def test_a_worker_that_cannot_end_in_time_hands_back_what_it_holds(shop: Deployment) -> None:
    """Without blame: a deployment in the middle of slow downloads must not make pictures poison."""
    shop.running["worker-1"].stop()
    worker = shop.start("worker", name="hasty", env=shop.env | {"TWIRL_SOFT_SHUTDOWN_S": "1"})
    before = shop.live()
    shop.stock("hasty", 64)
    shop.wait_live(before + 8)
    held = decoders(worker)
    for pid in held:
        os.kill(pid, signal.SIGSTOP)
    shop.wait(lambda: shop.counts().get("fetching", 0) > 0, "images in hand", 30)
    status, seconds = worker.stop(20)
    for pid in held:
        with suppress(ProcessLookupError):  # it has ended with its worker
            os.kill(pid, signal.SIGCONT)
    assert status == 0 and seconds < 10
    assert shop.counts().get("fetching", 0) == 0 and shop.workers() == 0
    with shop.services.sessions() as session:
        rows = session.execute(select(Image.attempts, Image.error_code).where(Image.state == "queued")).all()
    assert set(rows) == {(0, "")}
    shop.running["worker-1"].start()


def test_another_machines_worker_joins_with_three_settings(shop: Deployment) -> None:
    shop.running["worker-1"].stop()
    before = shop.live()
    shop.stock("joined", 16)
    words = ("worker", "--pool", "threads", "--concurrency", "2")
    second = shop.start(*words, name="second", env=shop.machine("second"))
    shop.wait_live(before + 16)
    assert "Worker" in second.said().splitlines()[0]
    second.stop()
    shop.running["worker-1"].start()


def test_a_small_shop_does_not_wait_for_a_big_ones_import(shop: Deployment) -> None:
    shop.stock("bulk", 96)
    shop.stock("small", 8, merchant="corner")
    with shop.services.sessions() as session:
        theirs = select(Image.state).join(Product).where(Product.sku.startswith("small-"))
        others = select(Image.state).join(Product).where(Product.sku.startswith("bulk-"))
        shop.wait(lambda: set(session.scalars(theirs)) == {"live"}, "the small shop's images", 120)
        waiting = [state for state in session.scalars(others) if state != "live"]
    assert len(waiting) > 40


def test_workers_fill_the_index_of_another_model_beside_an_import(shop: Deployment, tmp_path: Path) -> None:
    info = disturbed_pack(tmp_path / "other")
    shop.twirl("reembed", "--pack", str(tmp_path / "other"), "--no-wait")
    before = shop.live()
    shop.stock("meanwhile", 16)
    shop.wait(lambda: index(shop, info.fingerprint).state == "ready", "the second index", 120)
    shop.wait_live(before + 16)
    shop.wait_settled()
    assert shop.services.store.count(collection_name(info.fingerprint)) == shop.live()
    operations, second = shop.services.operations, index(shop, info.fingerprint)
    operations.switch(second.id)
    shop.wait(lambda: model(shop) == info.fingerprint, "the other model", 20)
    operations.switch_back()
    shop.wait(lambda: model(shop) != info.fingerprint, "the first model", 20)
    operations.drop(second.id)


def index(shop: Deployment, fingerprint: str) -> IndexRef:
    return read_site(shop.services.sessions).find(fingerprint)


def test_an_import_of_the_console_is_tried_and_done_by_a_worker(shop: Deployment) -> None:
    files = asked_imports.feed_with_faults(shop.folder / "feeds" / "asked", "ASKED", rows=24, every=3)
    asked = asked_imports.ask(shop, *files, step="rehearse")
    shop.wait(lambda: asked_imports.request(shop, asked).state == "rehearsed", "the dry run", 60)
    would = asked_imports.request(shop, asked).rehearsal
    assert (would["rows"], would["created"], would["refused"]) == (24, 8, 16)
    asked_imports.go_on(shop, asked, "import")
    shop.wait(lambda: asked_imports.progress(shop, asked).over, "the import", 60)
    assert asked_imports.counts(shop, asked) == ("done", 24, 8, 16)
    known = asked_imports.progress(shop, asked)
    assert (known.rows, known.pictures, known.indexed, known.failed) == (24, 8, 8, 0)
    assert all(search(shop, f"ASKED-{n}")[:1] == [f"ASKED-{n}"] for n in range(8))


def begun(shop: Deployment, asked: int, batches: int) -> int:
    """Wait until so many batches of an import are in; return how many are."""
    deadline = time.monotonic() + 60
    while (there := asked_imports.request(shop, asked).batches) < batches:  # `wait` looks too seldom
        assert time.monotonic() < deadline, shop.state()
        time.sleep(0.005)
    return there


def test_an_import_goes_on_behind_a_worker_that_is_killed_and_one_that_is_stopped(shop: Deployment) -> None:
    rows, every = 4800, 400  # many batches, few pictures
    good = rows // every
    worker = shop.running["worker-1"]
    files = asked_imports.feed_with_faults(shop.folder / "feeds" / "long", "LONG", rows, every)
    asked = asked_imports.ask(shop, *files)
    there = begun(shop, asked, 2)
    worker.kill()
    left = asked_imports.request(shop, asked)
    assert left.state == "running" and left.batches < rows / 200
    assert 0 < asked_imports.progress(shop, asked).rows < rows
    brief = shop.start("worker", name="brief", env=shop.env | {"TWIRL_SOFT_SHUTDOWN_S": "1"})
    killed = time.monotonic()
    begun(shop, asked, there + 2)
    assert time.monotonic() - killed < LEASE_S  # the beat saw that its holder is gone
    (child,) = [pid for pid in brief.children() if pid not in decoders(brief)]
    os.kill(child, signal.SIGSTOP)  # it cannot end in time
    assert brief.stop(20)[0] == 0
    left = asked_imports.request(shop, asked)
    assert (left.state, left.claimed_by, left.attempts) == ("waiting", None, 0)
    assert left.batches < rows / 200
    worker.start()
    shop.wait(lambda: asked_imports.progress(shop, asked).over, "the import", 60)
    assert asked_imports.counts(shop, asked) == ("done", rows, good, rows - good)
    outcomes, each, faults = asked_imports.fates(shop, asked)
    assert outcomes == {"created": good, "refused": rows - good}
    assert set(each.values()) == set(faults.values()) == {1}
    assert len(each) == rows and len(faults) == rows - good


def test_webhooks_are_told_by_the_workers_and_never_of_this_network(shop: Deployment) -> None:
    sessions = shop.services.sessions
    with sessions.begin() as session:
        hook = create_webhook(
            session, shop.services.merchant().id, "https://127.0.0.1/told", allow_private=True
        )
        send_test(session, hook.merchant_id, hook.uid)

    def tried() -> bool:
        with sessions() as session:
            (row,) = deliveries_before(session, hook.id, None, 2)
            return row.attempts == 1 and row.error == "The address is not one of the public internet."

    until = time.monotonic() + 60
    while not tried():
        assert time.monotonic() < until, "no worker has tried"
        time.sleep(0.2)
    with sessions.begin() as session:
        delete_webhook(session, hook.merchant_id, hook.uid)


def test_two_beats_do_no_harm(shop: Deployment) -> None:
    second = shop.start("beat", name="beat-2")  # in the same data folder, too
    shop.wait(lambda: "looks at the ledger" in second.said(), "the second beat", 60)
    before = shop.live()
    shop.stock("beaten", 24)
    shop.wait_live(before + 24)
    assert shop.running["beat"].alive and second.alive
    assert second.stop(20)[0] == 0
    assert "round-failed" not in second.said() + shop.running["beat"].said()


@pytest.mark.parametrize(
    ("words", "without", "said"),
    [
        (("worker",), "TWIRL_REDIS_URL", "TWIRL_REDIS_URL"),
        (("beat",), "TWIRL_DATABASE_URL", "TWIRL_DATABASE_URL"),
        (("serve",), "", "twirl worker"),
        (("worker", "--queues", "imagse"), "", "imagse"),
    ],
)
def test_what_cannot_start_says_why(
    shop: Deployment, words: tuple[str, ...], without: str, said: str
) -> None:
    done = shop.run(*words, env={name: value for name, value in shop.env.items() if name != without})
    assert done.returncode == 1 and said in done.stderr and "Traceback" not in done.stderr


def test_nothing_is_left_of_a_stopped_worker(shop: Deployment) -> None:
    worker = shop.running["worker-1"]
    every = descendants(worker.pid)
    worker.stop()
    shop.wait(lambda: all(gone(pid) for pid in every), "the end of its children", 20)
    assert subprocess.run(["kill", "-0", str(worker.pid)], capture_output=True).returncode != 0
    worker.start()
