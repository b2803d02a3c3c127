"""The deployed shape as real processes: PostgreSQL, Redis, a Qdrant endpoint, and those of `twirl`.

    with deployed(tmp_path, workers=2, web=True) as shop:
        shop.twirl("import", str(feed))
        shop.wait_settled()

Every process has a process group and a log in `folder/logs`. With QDRANT_URL in the environment that server
is used, its collections dropped at the end; else the endpoint of `qdrant_endpoint`.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pgserver
from pgserver.postgres_server import get_server
from sqlalchemy import func, select

import settings as configuration
from benchmarks.indexing_shop import picture
from bootstrap import Services
from catalog.importing.imports import import_feed
from catalog.models import Image
from catalog.operations import Worker
from tests.support.qdrant_process import start_endpoint, stop_endpoint
from tests.support.redis import RedisServer, free_port

ROOT = Path(__file__).resolve().parents[2]
BUSY = ("queued", "fetching", "embedding")
START_S, STOP_S, SETTLE_S = 120.0, 90.0, 180.0
QUICK = {  # small and impatient: a test waits for none of the pauses that a shop can bear
    "TWIRL_BATCH": "8",
    "TWIRL_SWEEP_S": "1",
    "TWIRL_CLAIM_LEASE_S": "30",
    "TWIRL_TASK_LIMIT_S": "30",
    "TWIRL_TASK_SOFT_LIMIT_S": "25",
    "TWIRL_DECODER_TIMEOUT_S": "10",
    "TWIRL_SOFT_SHUTDOWN_S": "15",
    "TWIRL_MIN_FREE_DISK_MB": "0",
    "TWIRL_MIN_FREE_MEMORY_MB": "0",
    "OMP_NUM_THREADS": "1",
}


@dataclass
class Running:
    """One `twirl` process with its children: a process group."""

    name: str
    command: list[str]
    env: dict[str, str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> "Running":
        """Start it, or start it again after its end; its output is added to its log."""
        assert not self.alive, f"{self.name} runs"
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.command, env=self.env, cwd=ROOT, stdout=out, stderr=out, start_new_session=True
            )
        return self

    @property
    def pid(self) -> int:
        """Of the process that was started."""
        assert self.process is not None
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        """Send a signal to the process and all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def kill(self) -> None:
        """SIGKILL to it and to all that it started."""
        if self.process is not None:
            self.signal(signal.SIGKILL)
            self.process.wait()

    def stop(self, within_s: float = STOP_S) -> tuple[int, float]:
        """SIGTERM to the process alone, as when a container stops; (exit status, seconds)."""
        assert self.process is not None
        began = time.monotonic()
        self.process.terminate()
        try:
            return self.process.wait(within_s), time.monotonic() - began
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not stop in {within_s:g} s:\n{self.tail()}") from None

    def children(self) -> list[int]:
        """Process ids of its direct children."""
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(each) for each in listed.split()]

    def said(self) -> str:
        """Its whole log."""
        return self.log.read_text(errors="replace")

    def tail(self, lines: int = 25) -> str:
        """The end of its log."""
        return "\n".join(self.said().splitlines()[-lines:])


@dataclass
class Deployment:
    """The services, the processes over them, and what a test asks of them."""

    folder: Path
    redis: RedisServer
    postgres_folder: Path
    qdrant_url: str
    env: dict[str, str]
    web_port: int
    running: dict[str, Running] = field(default_factory=dict)
    qdrant: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        own = {name: value for name, value in self.env.items() if name.startswith("TWIRL_")}
        self.services = Services(configuration.load(own))

    # --- processes ----------------------------------------------------------------------------------------

    def twirl(self, *words: str, env: dict[str, str] | None = None, within_s: float = START_S) -> str:
        """Run a command to its end; what it printed. AssertionError when it fails."""
        done = self.run(*words, env=env, within_s=within_s)
        assert done.returncode == 0, f"twirl {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def run(
        self, *words: str, env: dict[str, str] | None = None, within_s: float = START_S
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end, whatever comes of it."""
        return subprocess.run(
            _command(*words), env=env or self.env, cwd=ROOT, capture_output=True, text=True, timeout=within_s
        )

    def start(self, kind: str, *words: str, name: str = "", env: dict[str, str] | None = None) -> Running:
        """Start `twirl KIND ...` as a process group of its own; `name` is its name here and its log's."""
        name = name or kind
        made = Running(name, _command(kind, *words), env or self.env, self.folder / "logs" / f"{name}.log")
        self.running[name] = made.start()
        return made

    def start_web(self) -> Running:
        """Start the web process; it answers when this returns."""
        web = self.start("web")
        self.wait(lambda: self.answers("/api/v1/openapi.json"), "the web process", START_S)
        return web

    def wait_for_workers(self, number: int) -> None:
        """Until so many worker processes have signed in."""
        self.wait(lambda: self.workers() >= number, f"{number} workers", START_S)

    def machine(self, name: str) -> dict[str, str]:
        """The environment of another machine: its own data folder and three settings, nothing more."""
        three = ["TWIRL_DATABASE_URL", "TWIRL_REDIS_URL", "TWIRL_QDRANT_URL"]
        three += ["TWIRL_QDRANT_GRPC_PORT"] if self.qdrant else []  # it speaks REST only
        given = {name: self.env[name] for name in three}
        bare = {key: value for key, value in self.env.items() if not key.startswith("TWIRL_")}
        return bare | given | {"TWIRL_DATA": str(self.folder / name)}

    def stop_postgres(self) -> None:
        """Stop the database server at once, connections or not."""
        _pg_ctl(self.postgres_folder, "stop", "-m", "immediate")

    def start_postgres(self) -> None:
        """Start it again."""
        _pg_ctl(
            self.postgres_folder,
            "start",
            "-o",
            f"-k {self.postgres_folder} -h ''",
            "-l",
            str(self.postgres_folder / "log"),
        )

    def stop_qdrant(self) -> None:
        """kill -9 of the endpoint. Fails where a real server is used."""
        assert self.qdrant is not None, "a server of QDRANT_URL is not ours to kill"
        self.qdrant.kill()
        self.qdrant.wait()

    def start_qdrant(self) -> None:
        """Start it again over the same data, at the same port."""
        port = int(self.qdrant_url.rsplit(":", 1)[1])
        self.qdrant, _ = start_endpoint(self.folder / "qdrant", port=port)

    def stock(self, name: str, items: int, merchant: str = "") -> int:
        """Import a feed of so many products NAME-0 ... with a picture each, as `twirl import` does."""
        feed = write_feed(self.folder / "feeds" / name, items, name)
        services = self.services
        shop = services.merchant(merchant or None)
        summary = import_feed(
            services.sessions, shop.id, feed, feed.parent, services.incoming, on_commit=services.doorbell.ring
        )
        return summary.created

    # --- what the ledger says -----------------------------------------------------------------------------

    def counts(self) -> dict[str, int]:
        """{state: images}."""
        with self.services.sessions() as session:
            rows = session.execute(select(Image.state, func.count()).group_by(Image.state)).all()
        return {str(state): int(number) for state, number in rows}

    def live(self) -> int:
        """Images that can be found."""
        return self.counts().get("live", 0)

    def unfinished(self) -> int:
        """Images that wait or are in a worker's hands."""
        return sum(number for state, number in self.counts().items() if state in BUSY)

    def workers(self) -> int:
        """Worker processes that have signed in and not out."""
        with self.services.sessions() as session:
            return int(session.scalar(select(func.count()).select_from(Worker)) or 0)

    def indexed(self) -> int:
        """Points of the live collection."""
        return self.services.store.count("live")

    def differences(self) -> list[str]:
        """What the doctor finds between database, pictures and index."""
        from launcher.indexing import examine

        return [f"{each.kind} {each.subject}: {each.detail}" for each in examine(self.services)]

    # --- waiting ------------------------------------------------------------------------------------------

    def answers(self, path: str) -> bool:
        """Whether the web process answers 200 there."""
        try:
            with urlopen(f"{self.web_url}{path}", timeout=10) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    @property
    def web_url(self) -> str:
        """Where the storefront is."""
        return f"http://127.0.0.1:{self.web_port}"

    def wait_live(self, number: int, within_s: float = SETTLE_S) -> None:
        """Until so many images are live."""
        self.wait(lambda: self.live() >= number, f"{number} live images", within_s)

    def wait_settled(self, within_s: float = SETTLE_S) -> None:
        """Until no image waits and none is in a worker's hands."""
        self.wait(lambda: self.unfinished() == 0, "the end of indexing", within_s)

    def wait(self, done: Callable[[], bool], what: str, within_s: float) -> None:
        """Until `done()`. AssertionError with the ledger's counts and the ends of all logs."""
        deadline = time.monotonic() + within_s
        while not done():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {within_s:g} s for {what}; {self.state()}")
            time.sleep(0.1)

    def state(self) -> str:
        """For the message of a test that fails."""
        logs = [f"--- {each.name} ({each.alive=})\n{each.tail()}" for each in self.running.values()]
        return f"{self.counts()}\n" + "\n".join(logs)

    def close(self) -> None:
        """End every process, the last started first."""
        for each in reversed(self.running.values()):
            each.kill()
        self.services.close()


@contextlib.contextmanager
def deployed(
    folder: Path, workers: int = 1, web: bool = False, beat: bool = True, **settings: str
) -> Iterator[Deployment]:
    """A migrated deployment with this many workers (worker-1 ...); `settings` are TWIRL_ variables."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "logs").mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        postgres_folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pg-")))
        server = get_server(postgres_folder)
        stack.callback(server.cleanup)
        redis = RedisServer(folder / "redis")
        redis.start()
        stack.callback(redis.kill)
        qdrant, qdrant_url = _qdrant(folder / "qdrant")
        port = free_port()
        env = _environment(folder / "data", redis.url, server.get_uri(), qdrant_url, port)
        env |= ({"TWIRL_QDRANT_GRPC_PORT": "0"} if qdrant else {}) | settings
        made = Deployment(folder, redis, postgres_folder, qdrant_url, env, port, qdrant=qdrant)
        stack.callback(_end_qdrant, made)
        stack.callback(made.close)
        made.twirl("migrate")
        for number in range(1, workers + 1):
            made.start("worker", name=f"worker-{number}")
        if beat:
            made.start("beat")
        if web:
            made.start_web()
        made.wait_for_workers(workers)
        yield made


def write_feed(folder: Path, items: int, name: str = "SKU", side: int = 96) -> Path:
    """A JSONL feed of so many products with a picture of their own each, beside it; returns its path."""
    folder.mkdir(parents=True)
    lines = []
    for number in range(items):
        seed = zlib.crc32(f"{name}-{number}".encode())
        (folder / f"{number}.jpg").write_bytes(picture(seed, side))
        said = {"id": f"{name}-{number}", "title": f"Garment {number}", "image_link": f"{number}.jpg"}
        lines.append(json.dumps(said | {"price": "19.00 USD", "availability": "in_stock", "color": "red"}))
    feed = folder / "feed.jsonl"
    feed.write_text("\n".join(lines) + "\n")
    return feed


def _command(*words: str) -> list[str]:
    return [sys.executable, str(ROOT / "cli.py"), *words]


def _environment(data: Path, redis: str, database: str, qdrant: str, port: int) -> dict[str, str]:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("TWIRL_")}
    return {
        **bare,
        **QUICK,
        "TWIRL_DATA": str(data),
        "TWIRL_REDIS_URL": redis,
        "TWIRL_DATABASE_URL": database,
        "TWIRL_QDRANT_URL": qdrant,
        "TWIRL_PORT": str(port),
        "TWIRL_OPS_PORT": str(free_port()),
    }


def _qdrant(folder: Path) -> "tuple[subprocess.Popen[bytes] | None, str]":
    if url := os.environ.get("QDRANT_URL"):
        return None, url
    process, port = start_endpoint(folder)
    return process, f"http://127.0.0.1:{port}"


def _end_qdrant(made: Deployment) -> None:
    if made.qdrant is not None:
        stop_endpoint(made.qdrant)
        return
    store = Services(made.services.settings).store
    for name in store.collections():
        store.drop(name)
    store.close()


def _pg_ctl(folder: Path, *words: str) -> None:
    binary = Path(pgserver.__file__).parent / "pginstall" / "bin" / "pg_ctl"
    command = [str(binary), "-D", str(folder), "-w", *words]
    user = {"user": "pgserver"} if os.geteuid() == 0 else {}
    subprocess.run(command, check=True, capture_output=True, timeout=60, **user)  # type: ignore[call-overload]
