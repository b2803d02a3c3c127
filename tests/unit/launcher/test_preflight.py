import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.preflight import (
    StartRefused,
    available_memory_mb,
    check_device,
    check_disk,
    check_file,
    check_folder,
    check_memory,
    check_port,
    lock_store,
)


def test_a_port_in_use_names_the_fix() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartRefused, match=rf"Port {port} .*cannot be used(.|\n)*TWIRL_PORT={port + 1}"):
            check_port("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "port", "fix"),
    [
        ("127.0.0.1", 70_000, "TWIRL_PORT"),
        ("nowhere.invalid", 8000, "TWIRL_HOST"),
        ("203.0.113.7", 8000, "TWIRL_HOST"),
    ],
)
def test_an_address_that_is_not_ours_names_its_setting(host: str, port: int, fix: str) -> None:
    with pytest.raises(StartRefused, match=rf"(.|\n)*Fix: .*{fix}="):
        check_port(host, port)


def test_a_free_port_passes() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    check_port("127.0.0.1", port)


def test_too_little_disk_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match="TWIRL_MIN_FREE_DISK_MB"):
        check_disk(tmp_path, least_mb=10**9)


def test_too_little_memory_names_the_setting() -> None:
    with pytest.raises(StartRefused, match="Only 100 MiB of memory"):
        check_memory(1536, available_mb=100)
    check_memory(1536, available_mb=None)


def test_a_file_that_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    check_file(tmp_path / "new.html", "--out")
    (tmp_path / "old.html").touch()
    check_file(tmp_path / "old.html", "--out")
    with pytest.raises(StartRefused, match="cannot be written") as refused:
        check_file(tmp_path / "nowhere" / "new.html", "--out")
    assert "--out FOLDER/new.html" in refused.value.fix


@pytest.mark.parametrize(
    ("device", "gpus", "refused"),
    [
        ("cpu", "no Python at all", ""),
        ("cuda", "echo 1", ""),
        ("cuda:free", "echo 2", ""),
        ("cuda:1", "echo 2", ""),
        ("cuda:1", "echo 1", "sees 1 GPU."),
        ("cuda:2", "echo 2", "sees 2 GPUs."),
        ("cuda", "echo 0", "sees no GPU."),
        ("cuda:free", "exit 1", "sees no GPU."),
    ],
)
def test_a_gpu_that_is_not_there_is_told_before_anything_waits_for_it(
    tmp_path: Path, device: str, gpus: str, refused: str
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{gpus}\n")
    python.chmod(0o755)
    if not refused:
        check_device(device, str(python))
        return
    with pytest.raises(StartRefused, match=refused) as said:
        check_device(device, str(python))
    assert "TWIRL_DEVICE=cpu" in said.value.fix


def test_memory_is_the_lesser_of_machine_and_container(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 8000000 kB\nMemAvailable: 4096000 kB\n")
    assert available_memory_mb(meminfo, tmp_path) == 4000
    (tmp_path / "memory.max").write_text(str(1000 * 2**20))
    (tmp_path / "memory.current").write_text(str(400 * 2**20))
    assert available_memory_mb(meminfo, tmp_path) == 600
    (tmp_path / "memory.stat").write_text(
        f"anon {100 * 2**20}\ninactive_file {200 * 2**20}\nactive_file {50 * 2**20}\n"
    )
    assert available_memory_mb(meminfo, tmp_path) == 850  # the files that it has read are no burden
    (tmp_path / "memory.max").write_text("max\n")
    assert available_memory_mb(meminfo, tmp_path) == 4000


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    with pytest.raises(StartRefused, match="TWIRL_DATA"):
        check_folder(tmp_path / "data")


def test_a_second_process_is_refused_and_told_who_has_the_store(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from launcher.preflight import lock_store;"
        "lock_store(Path(sys.argv[1]))"
    )
    with lock_store(tmp_path):
        other = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
        )
    assert other.returncode != 0
    assert f"Another Twirl (process {os.getpid()})" in other.stderr


def test_the_lock_ends_with_its_holder(tmp_path: Path) -> None:
    lock_store(tmp_path).close()
    lock_store(tmp_path).close()
