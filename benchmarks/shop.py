"""A whole Twirl of its own for one measurement: temporary data folder, free port, real processes."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from benchmarks.bar import ROOT

START_S = 120.0


class Shop:
    """A running storefront and how to talk to it."""

    def __init__(self, data: Path, port: int) -> None:
        self.data = data
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.http = requests.Session()
        self.http.trust_env = False  # a proxy of the machine must not stand in between
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TWIRL_")},
            "TWIRL_DATA": str(data),
            "TWIRL_PORT": str(port),
            "TWIRL_OPS_PORT": str(free_port()),
            "TWIRL_SHOP": "bench",
        }
        self.process: subprocess.Popen[bytes] | None = None

    def twirl(self, *words: str, timeout: float = 1200) -> subprocess.CompletedProcess[str]:
        """Run a `twirl` command on this shop's data folder."""
        return subprocess.run(
            [sys.executable, "-m", "cli", *words],
            cwd=ROOT,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def import_feed(self, feed: Path, images: Path, wait: bool = True) -> str:
        """Import a feed; return what the command printed. Raises RuntimeError when it failed."""
        done = self.twirl("import", str(feed), "--images", str(images), *([] if wait else ["--no-wait"]))
        if done.returncode:
            raise RuntimeError(f"twirl import failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def start(self) -> None:
        """Start engine, indexer and web; return when the storefront is well."""
        log = (self.data / "serve.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cli", "serve"], cwd=ROOT, env=self.environ, stdout=log, stderr=log
        )
        deadline = time.monotonic() + START_S
        while not self.well():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"twirl serve did not start:\n{(self.data / 'serve.log').read_text()}")
            time.sleep(0.2)

    def well(self) -> bool:
        """Whether the storefront says that it is well."""
        try:
            return self.http.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def stop(self) -> None:
        """Stop everything."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
            self.process = None

    def search(self, photo: bytes | None = None, **fields: Any) -> dict[str, Any]:
        """POST /api/v1/search, multipart when a photo is given. Raises on any status but 200."""
        url = f"{self.url}/api/v1/search"
        if photo is None:
            answer = self.http.post(url, json=fields, timeout=30)
        else:
            form = {name: json.dumps(value) if _nested(value) else value for name, value in fields.items()}
            answer = self.http.post(url, data=form, files={"photo": ("photo.jpg", photo)}, timeout=30)
        if answer.status_code != 200:
            raise RuntimeError(f"{answer.status_code}: {answer.text[:500]}")
        return dict(answer.json())


def _nested(value: Any) -> bool:
    return not isinstance(value, str)


def free_port() -> int:
    """A port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def shop() -> Iterator[Shop]:
    """A shop in a temporary folder; it is stopped and removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="twirl-bench-") as folder:
        made = Shop(Path(folder), free_port())
        try:
            yield made
        finally:
            made.stop()
