"""The parts of a deployed shop, and what can befall each: killed, stopped, or badly reached."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import make_url

from tests.chaos.clock import Clock
from tests.chaos.schedule import CLOCK, CLOCKED, NETWORK, Event
from tests.support.deployed import Deployment
from tests.support.faults import FaultyProxy

DRIP_S = 0.001  # between two bytes: 1 kB/s
BACK_S = 60.0


class Parts:
    """A deployment whose processes reach PostgreSQL, Redis and the engine over lines that can be cut.

    The test's own view (`shop.services`) goes past those lines: what it finds is what is there.
    """

    def __init__(self, shop: Deployment, clocks: bool = False) -> None:
        self.shop = shop
        self.clocks = {name: Clock(shop.folder, name) for name in CLOCKED} if clocks else {}
        unix = shop.postgres_folder / ".s.PGSQL.5432"
        engine = int(shop.qdrant_url.rsplit(":", 1)[1])
        self.lines = {
            "postgres": FaultyProxy(unix, DRIP_S),
            "redis": FaultyProxy(("127.0.0.1", shop.redis.port), DRIP_S),
            "engine": FaultyProxy(("127.0.0.1", engine), DRIP_S),
        }
        database = make_url(shop.env["TWIRL_DATABASE_URL"])
        database = database.set(host="127.0.0.1", port=self.lines["postgres"].port, query={})
        self.env = shop.env | {
            "TWIRL_DATABASE_URL": database.render_as_string(hide_password=False),
            "TWIRL_REDIS_URL": f"redis://127.0.0.1:{self.lines['redis'].port}/0",
            "TWIRL_QDRANT_URL": f"http://127.0.0.1:{self.lines['engine'].port}",
        }

    def start(self) -> None:
        """Start a worker, the beat and the web process; all of them answer when this returns."""
        for kind, name in (("worker", "worker-1"), ("beat", "beat"), ("web", "web")):
            clock = self.clocks[name].env if self.clocks else {}
            self.shop.start(kind, name=name, env=self.env | clock)
        self.shop.wait(lambda: self.shop.answers("/api/v1/openapi.json"), "the web process", BACK_S * 2)
        self.shop.wait_for_workers(1)

    def begin(self, event: Event) -> None:
        """Let it happen."""
        if event.fault in NETWORK:
            self.lines[event.target].set(event.fault)  # type: ignore[arg-type]
        elif event.fault in CLOCK:
            self.clocks[event.target].set(CLOCK[event.fault])
        elif event.fault == "flush":
            self.shop.redis.flush()
        else:
            self._signal(event.target, signal.SIGKILL if event.fault == "kill" else signal.SIGSTOP)

    def end(self, event: Event) -> None:
        """Let it be over: what was killed is started again, by the test as by any supervisor."""
        if event.fault in NETWORK:
            self.lines[event.target].set("none")
        elif event.fault in CLOCK:
            self.clocks[event.target].set(0)
        elif event.fault == "stop":
            self._signal(event.target, signal.SIGCONT)
        elif event.fault == "kill":
            self._start_again(event.target)

    def _signal(self, target: str, number: signal.Signals) -> None:
        for pid in self._pids(target):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if number == signal.SIGKILL:
            self._reap(target)

    def _pids(self, target: str) -> list[int]:
        """The process of a part first, then all that it has started."""
        if target == "postgres":
            first = int((self.shop.postgres_folder / "postmaster.pid").read_text().split()[0])
        elif target == "redis":
            first = self.shop.redis.process.pid  # type: ignore[union-attr]
        elif target == "engine":
            first = self.shop.qdrant.pid  # type: ignore[union-attr]
        else:
            first = self.shop.running[target].pid
        return [first, *_descendants(first)]

    def _reap(self, target: str) -> None:
        if target == "redis":
            self.shop.redis.kill()
        elif target == "engine":
            self.shop.stop_qdrant()
        elif target != "postgres":
            self.shop.running[target].kill()

    def _start_again(self, target: str) -> None:
        if target == "postgres":
            self._start_postgres()
        elif target == "redis":
            self.shop.redis.start()
        elif target == "engine":
            self.shop.start_qdrant()
        elif not self.shop.running[target].alive:
            self.shop.running[target].start()

    def _start_postgres(self) -> None:
        """Its children may take a moment to end after it; until then it refuses to start."""
        deadline = time.monotonic() + BACK_S
        while True:
            try:
                return self.shop.start_postgres()
            except Exception:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def close(self) -> None:
        """Cut the lines for good."""
        for line in self.lines.values():
            line.close()


def _descendants(pid: int) -> list[int]:
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *_descendants(child)]
    return found


@contextlib.contextmanager
def started(shop: Deployment, clocks: bool = False) -> Iterator[Parts]:
    """The parts, running; with clocks that can jump, where that is asked for."""
    parts = Parts(shop, clocks)
    try:
        parts.start()
        yield parts
    finally:
        parts.close()
