"""Starts child processes, restarts those that die, stops them all together."""

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from launcher.preflight import StartRefused

BACKOFF_S = (0.2, 1.0, 5.0, 15.0)  # the pause before each restart in a row; the last one repeats
STEADY_S = 60.0  # a child that lived this long starts again at the first pause
GIVE_UP = 5  # deaths within STEADY_S of each other before the child is given up at start-up
LOG_LIMIT = 16 * 1024 * 1024  # bytes; a longer log is set aside at the next start
STOP_S = 15.0  # between SIGTERM and SIGKILL


class Child:
    """One supervised process, its log file and its recent deaths."""

    def __init__(self, name: str, argv: Sequence[str], log: Path, cwd: Path | None = None) -> None:
        self.name = name
        self.argv = list(argv)
        self.log, self.cwd = log, cwd
        self.process: subprocess.Popen[bytes] | None = None
        self.deaths: deque[float] = deque(maxlen=GIVE_UP)
        self.restart_at = 0.0

    def start(self) -> None:
        """Start the process: its own session, output to its log, standard input as its lifeline."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))  # one older log is kept
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(  # noqa: S603 - our own command line
                self.argv,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=out,
                cwd=self.cwd,
                start_new_session=True,
            )

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def note_death(self, now: float) -> None:
        """Count a death and set when to start again."""
        recent = [at for at in self.deaths if now - at < STEADY_S]
        self.deaths.append(now)
        self.restart_at = now + BACKOFF_S[min(len(recent), len(BACKOFF_S) - 1)]
        self.process = None

    @property
    def hopeless(self) -> bool:
        """Whether it died GIVE_UP times within STEADY_S."""
        return len(self.deaths) == GIVE_UP and self.deaths[-1] - self.deaths[0] < STEADY_S

    def tail(self, lines: int = 8) -> str:
        """The last lines of its log."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as source:
            source.seek(max(0, self.log.stat().st_size - 8192))
            return "\n".join(source.read().decode(errors="replace").splitlines()[-lines:])

    def signal(self, number: int) -> None:
        """Send a signal to the process and those it started; gone is fine."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                return


class Supervisor:
    """Keeps a set of children running until told to stop."""

    def __init__(self, children: Sequence[Child], say: Callable[[str], None]) -> None:
        self.children = list(children)
        self.say = say
        self.stopping = False

    def start(self) -> None:
        """Start every child, in order."""
        for child in self.children:
            child.start()

    def tend(self, lasting: bool = False) -> None:
        """One look at every child: note deaths, restart those whose pause is over.

        Raises StartRefused when a child keeps dying, with the end of its log. With `lasting` it is started
        again for ever: a storefront goes on answering while its indexer cannot work.
        """
        now = time.monotonic()
        for child in self.children:
            if child.process is not None and not child.alive:
                self.say(f"{child.name} ended ({_reason(child.process.returncode)}); starting it again")
                child.note_death(now)
                if child.hopeless and not lasting:
                    raise StartRefused(
                        f"{child.name} keeps dying. The end of {child.log}:\n{child.tail()}",
                        "mend what the log names, then start again",
                    )
            elif child.process is None and now >= child.restart_at:
                child.start()

    def wait_for(self, ready: Callable[[], bool], what: str, timeout_s: float) -> None:
        """Tend the children until `ready()`. Raises StartRefused after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            self.tend()
            if self.stopping:
                raise KeyboardInterrupt
            if time.monotonic() > deadline:
                logs = ", ".join(str(child.log) for child in self.children)
                raise StartRefused(f"{what} was not ready after {timeout_s:g} s.", f"read {logs}")
            time.sleep(0.05)

    def run(self) -> None:
        """Tend the children until stopped by SIGTERM or Ctrl-C; one that keeps dying ends no other."""
        try:
            while not self.stopping:
                self.tend(lasting=True)
                time.sleep(0.2)
        except KeyboardInterrupt:
            self.stopping = True

    def stop(self) -> None:
        """Ask every child to end, last started first; kill those that do not within STOP_S."""
        self.stopping = True
        for child in reversed(self.children):
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        for child in reversed(self.children):
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.signal(signal.SIGKILL)
                child.process.wait()
            _close(child.process.stdin)

    def stop_on_signals(self) -> None:
        """Let SIGTERM and Ctrl-C end whatever this process is at; a second one cuts no stopping short."""

        def ask(_number: int, _frame: object) -> None:
            if not self.stopping:
                self.stopping = True
                raise KeyboardInterrupt

        signal.signal(signal.SIGTERM, ask)
        signal.signal(signal.SIGINT, ask)


def _reason(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit status {code}"


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None:
        stream.close()
