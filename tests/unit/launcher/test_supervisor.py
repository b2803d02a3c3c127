import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from launcher.preflight import StartRefused
from launcher.supervisor import Child, Supervisor

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('up', flush=True); time.sleep(60)",
]


def until(holds: Callable[[], bool], timeout_s: float = 10) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "it never held"
        time.sleep(0.02)


def test_a_killed_child_is_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    child = Child("sleeper", SLEEP, tmp_path / "log")
    supervisor = Supervisor([child], said.append)
    supervisor.start()
    try:
        assert child.process
        first = child.process.pid
        os.kill(first, signal.SIGKILL)

        def again() -> bool:
            supervisor.tend()
            return child.process is not None and child.process.pid != first and child.alive

        until(again)
        assert said == ["sleeper ended (killed by SIGKILL); starting it again"]
    finally:
        supervisor.stop()
    assert not child.alive


def test_a_child_that_keeps_dying_is_given_up_with_the_end_of_its_log(tmp_path: Path) -> None:
    child = Child("broken", [sys.executable, "-c", "raise SystemExit('no such pack')"], tmp_path / "log")
    child.start()
    for death in range(4):  # four deaths in the last seconds; the next one is the fifth
        child.deaths.append(time.monotonic() - 5 + death)
    assert child.process
    child.process.wait(10)
    with pytest.raises(StartRefused, match=r"broken keeps dying(.|\n)*no such pack"):
        Supervisor([child], lambda _: None).tend()


def test_one_that_keeps_dying_does_not_end_a_shop_that_serves(tmp_path: Path) -> None:
    broken = Child("indexer", [sys.executable, "-c", "raise SystemExit(1)"], tmp_path / "log")
    web = Child("web", SLEEP, tmp_path / "web.log")
    supervisor = Supervisor([broken, web], lambda _: None)
    supervisor.start()
    broken.deaths.extend(time.monotonic() - 5 + death for death in range(4))
    assert broken.process
    broken.process.wait(10)
    threading.Timer(0.8, setattr, (supervisor, "stopping", True)).start()
    try:
        supervisor.run()
        assert (len(broken.deaths), web.alive) == (5, True)
    finally:
        supervisor.stop()


def test_ctrl_c_ends_whatever_the_command_is_at_and_a_second_one_cuts_nothing_short() -> None:
    supervisor = Supervisor([], lambda _: None)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    supervisor.stop_on_signals()
    try:
        for number in before:
            supervisor.stopping = False
            with pytest.raises(KeyboardInterrupt):  # in the midst of an import, of a wait for the index
                os.kill(os.getpid(), number)
                time.sleep(5)
            os.kill(os.getpid(), number)
            time.sleep(0.1)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_long_log_is_set_aside_at_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("launcher.supervisor.LOG_LIMIT", 100)
    child = Child("talker", [sys.executable, "-c", "print('new')"], tmp_path / "talker.log")
    child.log.write_text("old " * 50)
    child.start()
    assert child.process
    child.process.wait(10)
    assert child.log.read_text() == "new\n"
    assert (tmp_path / "talker.log.1").read_text() == "old " * 50


def test_a_child_that_ignores_the_request_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("launcher.supervisor.STOP_S", 0.3)
    child = Child("stubborn", STUBBORN, tmp_path / "log")
    supervisor = Supervisor([child], lambda _: None)
    supervisor.start()
    until(lambda: "up" in child.tail())
    supervisor.stop()
    assert child.process is not None
    assert child.process.returncode == -signal.SIGKILL


def test_waiting_for_what_never_comes_names_the_logs(tmp_path: Path) -> None:
    child = Child("sleeper", SLEEP, tmp_path / "sleeper.log")
    supervisor = Supervisor([child], lambda _: None)
    supervisor.start()
    try:
        with pytest.raises(StartRefused, match=r"was not ready after 0\.2 s(.|\n)*sleeper\.log"):
            supervisor.wait_for(lambda: False, "The engine", 0.2)
    finally:
        supervisor.stop()


def test_a_child_ends_when_its_supervisor_is_killed(tmp_path: Path) -> None:
    lifeline = (
        "from launcher.lifeline import hold; import time; hold(); print('held', flush=True); time.sleep(60)"
    )
    parent = f"""
import sys, time
from pathlib import Path
from launcher.supervisor import Child
child = Child("c", [sys.executable, "-c", {lifeline!r}], Path({str(tmp_path / "log")!r}))
child.start()
print(child.process.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        pid = int(process.stdout.readline())
        until(lambda: (tmp_path / "log").exists() and "held" in (tmp_path / "log").read_text())
        process.kill()
    until(lambda: not _runs(pid))


def _runs(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().split(")")[1].split()[0] != "Z"
