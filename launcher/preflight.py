"""What is checked before anything starts, so that a failure names its cause and its fix."""

import errno
import fcntl
import os
import shutil
import socket
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import IO

from settings import Settings

MIB = 1024 * 1024
LAST_PORT = 65535
_COUNT_GPUS = "import torch; print(torch.cuda.device_count())"


class StartRefused(RuntimeError):
    """Twirl cannot start. `message` is the cause, `fix` what to do about it."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(f"{message}\n  Fix: {fix}")
        self.message = message
        self.fix = fix


def check_folder(data: Path) -> None:
    """The data folder exists and can be written. Raises StartRefused."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        probe = data / f".probe-{os.getpid()}"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise StartRefused(
            f"The data folder {data} cannot be written ({error.strerror}).",
            f"{'free some disk' if full else 'make it writable'}, "
            "or name another folder: TWIRL_DATA=/path/to/folder",
        ) from error


def check_file(path: Path, option: str) -> None:
    """A file that is to be written at the end can be. Raises StartRefused, before the work is done."""
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise StartRefused(
            f"{path} cannot be written here.", f"name another place: {option} FOLDER/{path.name}"
        )


def check_disk(data: Path, least_mb: int) -> None:
    """At least `least_mb` MiB are free where the data folder lies. Raises StartRefused."""
    free = shutil.disk_usage(data).free // MIB
    if free < least_mb:
        raise StartRefused(
            f"Only {free} MiB of disk are free at {data}; Twirl wants {least_mb} MiB.",
            "free some space, name a folder on another disk (TWIRL_DATA), or lower TWIRL_MIN_FREE_DISK_MB",
        )


def available_memory_mb(
    meminfo: Path = Path("/proc/meminfo"), cgroup: Path = Path("/sys/fs/cgroup")
) -> int | None:
    """MiB that can still be used: the machine's, or the container's when that is less; None if unknown."""
    known = []
    if meminfo.exists():
        rows = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
        known.append(int(rows["MemAvailable"].split()[0]) // 1024)
    limit, used = cgroup / "memory.max", cgroup / "memory.current"
    if limit.exists() and used.exists() and (most := limit.read_text().strip()).isdigit():
        known.append((int(most) - int(used.read_text()) + _cached(cgroup / "memory.stat")) // MIB)
    return min(known, default=None)


def _cached(stat: Path) -> int:
    """Bytes of a container's files in memory: they count as used, and are given back when asked for."""
    if not stat.exists():
        return 0
    rows = dict(line.split(" ", 1) for line in stat.read_text().splitlines() if " " in line)
    return int(rows.get("inactive_file", 0)) + int(rows.get("active_file", 0))


def check_memory(least_mb: int, available_mb: int | None) -> None:
    """At least `least_mb` MiB of memory are available. Raises StartRefused."""
    if available_mb is not None and available_mb < least_mb:
        raise StartRefused(
            f"Only {available_mb} MiB of memory are available; Twirl wants {least_mb} MiB.",
            "close other programs or give the container more, or lower TWIRL_MIN_FREE_MEMORY_MB",
        )


def check_listeners(settings: Settings) -> None:
    """Both listeners can be had, and the operators' is open to nobody else. Raises StartRefused."""
    ops = settings.operations
    if settings.ops_port == settings.web.port:
        raise StartRefused(
            f"The storefront and the operators' pages cannot share port {settings.ops_port}.",
            f"choose another for one of them: TWIRL_OPS_PORT={_beside(settings.ops_port)}",
        )
    check_operators(ops.ops_host, ops.ops_token)
    check_port(settings.web.host, settings.web.port)
    check_port(ops.ops_host, settings.ops_port, "TWIRL_OPS_HOST", "TWIRL_OPS_PORT")


def check_operators(host: str, token: str) -> None:
    """Strangers cannot reach the operators' pages without a token. Raises StartRefused."""
    if not token and not is_loopback(host):
        raise StartRefused(
            f"TWIRL_OPS_HOST={host} lets other machines reach the operators' pages, and there is no token.",
            "set TWIRL_OPS_TOKEN (openssl rand -hex 24), or leave TWIRL_OPS_HOST at 127.0.0.1",
        )


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _beside(port: int) -> int:
    return port + 1 if port < LAST_PORT else port - 1


def check_port(host: str, port: int, host_name: str = "TWIRL_HOST", port_name: str = "TWIRL_PORT") -> None:
    """Nothing listens on the port and we may; the settings are named as given. Raises StartRefused."""
    if port > LAST_PORT:
        raise StartRefused(f"There is no port {port}.", f"choose one up to {LAST_PORT}: {port_name}=8000")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            refused = f"Port {port} on {host} cannot be used ({error.strerror})."
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                fix = f"name an address of this machine: {host_name}=127.0.0.1, or 0.0.0.0 for all"
            elif error.errno == errno.EACCES:
                fix = f"ports below 1024 are the system's; choose another: {port_name}=8000"
            else:
                fix = f"stop what is using it, or choose another: {port_name}={_beside(port)}"
            raise StartRefused(refused, fix) from error


def check_device(device: str, python: str = sys.executable) -> None:
    """A GPU that is named is there. Raises StartRefused.

    Another process asks: this one may be about to fork, and CUDA that was touched before works no more then.
    """
    if not device.startswith("cuda"):
        return
    words = [python, "-P", "-c", _COUNT_GPUS]
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter
    seen = int(done.stdout) if done.returncode == 0 else 0
    number = device.partition(":")[2]
    if seen <= (int(number) if number.isdigit() else 0):
        raise StartRefused(
            f"TWIRL_DEVICE={device}, but PyTorch sees {seen or 'no'} GPU{'s' if seen > 1 else ''}.",
            "check the driver and the container's devices (nvidia-smi), and that PyTorch is built with CUDA; "
            "or set TWIRL_DEVICE=cpu",
        )


def lock_store(data: Path) -> IO[str]:
    """Take the data folder for this process; the lock ends with the process or the file's closing.

    Raises StartRefused when another Twirl has it.
    """
    run = data / "run"
    run.mkdir(parents=True, exist_ok=True)
    run.chmod(0o700)
    lock = (run / "twirl.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        owner = lock.read().strip() or "unknown"
        lock.close()
        raise StartRefused(
            f"Another Twirl (process {owner}) is using the data folder {data}.",
            f"stop it (kill {owner}), or name another folder: TWIRL_DATA=/path/to/folder",
        ) from error
    lock.seek(0)
    lock.truncate()
    lock.write(str(os.getpid()))
    lock.flush()
    return lock
