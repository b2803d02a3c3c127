"""The test endpoint as a process of its own: started, waited for, killed."""

import contextlib
import json
import select
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READY_S = 60.0


@dataclass(frozen=True)
class Endpoint:
    """A running endpoint; `port` is that of REST."""

    process: subprocess.Popen[bytes]
    port: int
    grpc_port: int

    @property
    def url(self) -> str:
        """What TWIRL_QDRANT_URL would say."""
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()


def launch(root: Path, api_key: str = "", port: int = 0, grpc_port: int = 0) -> Endpoint:
    """A running endpoint over `root`; port 0 is a free one."""
    command = [sys.executable, "-m", "tests.support.qdrant_endpoint", "--root", str(root)]
    command += ["--port", str(port), "--grpc-port", str(grpc_port)]
    command += ["--api-key", api_key] if api_key else []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], READY_S)
    line = process.stdout.readline() if readable else b""
    if not line:
        process.kill()
        raise RuntimeError(f"the Qdrant endpoint did not start over {root}: status {process.wait()}")
    said = json.loads(line)
    return Endpoint(process, said["port"], said["grpc_port"])


def start_endpoint(root: Path, api_key: str = "", port: int = 0) -> tuple[subprocess.Popen[bytes], int]:
    """A running endpoint over `root`, and the port of its REST."""
    endpoint = launch(root, api_key, port)
    return endpoint.process, endpoint.port


def stop_endpoint(process: subprocess.Popen[bytes]) -> None:
    """End it cleanly, or kill it when that takes too long."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


@contextlib.contextmanager
def running_endpoint(root: Path, api_key: str = "") -> Iterator[Endpoint]:
    """An endpoint for a while."""
    endpoint = launch(root, api_key)
    try:
        yield endpoint
    finally:
        stop_endpoint(endpoint.process)
