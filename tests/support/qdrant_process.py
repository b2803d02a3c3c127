"""The test endpoint as a process of its own: started, waited for, killed."""

import contextlib
import json
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READY_S = 60.0


def start_endpoint(root: Path, api_key: str = "", port: int = 0) -> tuple[subprocess.Popen[bytes], int]:
    """A running endpoint over `root`, and the port that it listens on."""
    command = [
        sys.executable,
        "-m",
        "tests.support.qdrant_endpoint",
        "--port",
        str(port),
        "--root",
        str(root),
    ]
    command += ["--api-key", api_key] if api_key else []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], READY_S)
    line = process.stdout.readline() if readable else b""
    if not line:
        process.kill()
        raise RuntimeError(f"the Qdrant endpoint did not start over {root}: status {process.wait()}")
    return process, int(json.loads(line)["port"])


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
def running_endpoint(root: Path, api_key: str = "") -> Iterator[int]:
    """An endpoint for a while; gives its port."""
    process, port = start_endpoint(root, api_key)
    try:
        yield port
    finally:
        stop_endpoint(process)
