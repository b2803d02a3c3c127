"""Run the engine: python -m vectors.edge --root DIR --socket PATH.

Prints {"ready": true} on a line of its own once it serves, or {"error": {...}} and leaves with status 3.
"""

import argparse
import fcntl
import json
import os
import signal
import stat
import sys
import threading
from pathlib import Path
from typing import IO

from telemetry import logs
from vectors.edge.keeper import Keeper
from vectors.edge.serving import check_socket_path, listen, serve
from vectors.edge.wire import pack_error
from vectors.protocol import VectorStoreError, VectorStoreUnavailable


def main() -> None:
    """Own the root until SIGTERM, SIGINT, or until the parent hangs up."""
    parser = argparse.ArgumentParser(
        prog="python -m vectors.edge", description="The vector engine of one machine."
    )
    parser.add_argument("--root", type=Path, required=True, help="folder of the shards")
    parser.add_argument("--socket", type=Path, required=True, help="unix socket to listen on")
    parser.add_argument("--with-parent", action="store_true", help="end when standard input closes")
    options = parser.parse_args()
    logs.configure(process="engine")
    os.umask(0o077)
    try:
        lock = prepare(options.root.absolute(), options.socket.absolute())
    except VectorStoreError as error:
        print(json.dumps(pack_error(error)), flush=True)
        sys.exit(3)
    with lock:
        work(options.root.absolute(), options.socket.absolute(), options.with_parent)


def prepare(root: Path, socket: Path) -> IO[str]:
    """Make the folders, private ones, and take the root's lock; raises what stands against it."""
    check_socket_path(socket)
    (root / "collections").mkdir(parents=True, exist_ok=True)
    socket.parent.mkdir(parents=True, exist_ok=True)
    mode = socket.parent.stat().st_mode
    if mode & stat.S_ISVTX:
        raise VectorStoreError(
            "store-socket-folder",
            f"{socket.parent} is shared by all users.",
            "Put the socket in a folder of its own.",
        )
    socket.parent.chmod(0o700)
    return take_lock(root)


def take_lock(root: Path) -> IO[str]:
    """The open lock file; the kernel lets the lock go when we end, however we end."""
    lock = (root / "engine.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        owner = lock.read().strip() or "unknown"
        lock.close()
        raise VectorStoreUnavailable(
            "store-locked",
            f"The vector store in {root} is in use by process {owner}.",
            f"Stop the other Twirl (kill {owner}), or use another data folder.",
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def work(root: Path, path: Path, with_parent: bool) -> None:
    """Serve until told to stop."""
    keeper = Keeper(root, path)
    signal.signal(signal.SIGTERM, lambda *_: keeper.stop())
    signal.signal(signal.SIGINT, signal.SIG_IGN if with_parent else lambda *_: keeper.stop())
    for left in path.parent.glob(f"{path.name}.*"):  # sockets of processes that were killed
        left.unlink()
    server = listen(path)  # whoever connects from now on waits, the shards' processes too
    keeper.open()
    threading.Thread(target=serve, args=(server, keeper.handlers()), daemon=True).start()
    if with_parent:
        threading.Thread(target=_await_hang_up, args=(keeper,), daemon=True).start()
    keeper.run()
    path.unlink(missing_ok=True)


def _await_hang_up(keeper: Keeper) -> None:
    sys.stdin.read()
    keeper.stop()


if __name__ == "__main__":
    main()
