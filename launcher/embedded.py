"""The embedded shape: one command, three processes beside this one (engine, indexer, web)."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from bootstrap import Services
from launcher import console
from launcher.deployed import Attendance, Say, ready
from launcher.preflight import (
    StartRefused,
    available_memory_mb,
    check_device,
    check_disk,
    check_folder,
    check_listeners,
    check_memory,
    lock_store,
)
from launcher.supervisor import Child, Supervisor
from vectors.edge.serving import check_socket_path
from vectors.protocol import VectorStoreUnavailable

HOME = Path(__file__).resolve().parent.parent  # of our modules, installed or not
ENGINE_START_S = 60.0
WEB_START_S = 90.0
AWAY_S = 20.0  # an engine that was killed is back within so long


def preflight(services: Services, *, port: bool) -> None:
    """Check folder, disk, memory and, when asked, the port. Raises StartRefused."""
    chosen = services.settings
    if port:
        check_listeners(chosen)
    check_folder(services.data)
    check_disk(services.data, chosen.storage.min_free_disk_mb)
    if not services.deployed:  # there the models run elsewhere
        check_memory(chosen.storage.min_free_memory_mb, available_memory_mb())
        check_device(chosen.model.device)


def prepare(services: Services, migrate: bool = False) -> None:
    """Make the folders and bring the database up to date. Raises StartRefused for an unusable folder.

    In the deployed shape the database is shared, and only `migrate` touches its schema.
    """
    check_folder(services.data)
    if services.deployed and not migrate:
        ready(services)
    else:
        services.prepare()


def _child(services: Services, name: str) -> Child:
    log = services.data / "run" / f"{name}.log"
    if name == "engine":
        return Child(name, [*engine_command(services), "--with-parent"], log, cwd=HOME)
    # By its path, so that modules are looked for beside it, not where settings are read against.
    return Child(name, [sys.executable, str(HOME / "cli.py"), name, "--with-parent"], log)


def engine_command(services: Services) -> list[str]:
    """The vector engine's command line, to be run in HOME: it loads neither model nor database."""
    root, path = str(services.data / "index"), str(services.engine_socket)
    return [sys.executable, "-m", "vectors.edge", "--root", root, "--socket", path]


def engine_answers(services: Services) -> bool:
    """Whether the vector engine can be asked."""
    try:
        services.store.collections()
    except VectorStoreUnavailable:
        return False
    return True


def web_answers(services: Services) -> bool:
    """Whether the storefront says of itself that it is well."""
    host, port = services.settings.web.host, services.settings.web.port
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - where to ask, not where to listen
    straight = build_opener(ProxyHandler({}))  # a proxy of the environment leads elsewhere
    try:
        with straight.open(f"{_address(host, port)}/readyz", timeout=4) as answer:
            return bool(json.load(answer)["status"] == "ok")
    except (URLError, OSError, ValueError, KeyError):
        return False


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def running(services: Services, names: tuple[str, ...], say: Say) -> Iterator[Supervisor]:
    """Have these processes run while the block does; the data folder is ours meanwhile.

    Raises StartRefused when another Twirl has the data folder, or a process will not start; VectorStoreError
    when the folder's path is too long for a socket.
    """
    if services.embedded:
        check_socket_path(services.engine_socket)
    with lock_store(services.data):
        services.prepare()
        supervisor = Supervisor([_child(services, name) for name in names], say)
        try:
            supervisor.start()
            if services.embedded:
                supervisor.wait_for(lambda: engine_answers(services), "The vector engine", ENGINE_START_S)
            yield supervisor
        finally:
            supervisor.stop()


@contextmanager
def borrowed(services: Services, names: tuple[str, ...], say: Say) -> Iterator[Callable[[], None]]:
    """Use the Twirl that is already running on this data folder, or run these processes for the while.

    Gives what to call while waiting for them: it restarts our own, and raises StartRefused when the other
    Twirl has gone. In the deployed shape workers work elsewhere: StartRefused when none is heard of.
    """
    check_folder(services.data)
    if services.deployed:
        yield Attendance(services.sessions).look if "indexer" in names else lambda: None
        return
    if engine_answers(services):
        yield Watch(lambda: engine_answers(services)).look
        return
    with running(services, names, say) as supervisor:
        yield supervisor.tend


class Watch:
    """Tells an engine that restarts from one that is gone: nobody may wait for ever."""

    def __init__(self, answers: Callable[[], bool], patience_s: float = AWAY_S) -> None:
        self._answers, self._patience_s = answers, patience_s
        self._heard = self._asked = time.monotonic()

    def look(self) -> None:
        """Ask now and then. Raises StartRefused after `patience_s` without an answer."""
        now = time.monotonic()
        if now - self._asked < self._patience_s / 20:
            return
        self._asked = now
        if self._answers():
            self._heard = now
        elif now - self._heard > self._patience_s:
            raise StartRefused(
                "The Twirl that was running on this data folder has ended. What was imported is kept.",
                "start it again with `twirl serve`, or run this command again: it goes on from there",
            )


def processes(services: Services) -> tuple[str, ...]:
    """The processes of `twirl serve`; the engine first, because the others ask it."""
    return ("engine", "indexer", "web") if services.embedded else ("indexer", "web")


def serve(supervisor: Supervisor, services: Services, say: Say) -> None:
    """Wait for the storefront, say where it is, and tend the processes until stopped."""
    supervisor.wait_for(lambda: web_answers(services), "The storefront", WEB_START_S)
    chosen = services.settings.web
    for notice in filter(None, (services.pack_notice(), services.shop_notice())):
        say(notice)
    say(
        f"Storefront: {_address(chosen.host, chosen.port)}   "
        f"(Ctrl-C stops it; logs in {services.data / 'run'})"
    )
    say(console.notice(services))
    supervisor.run()


def wait_until_indexed(
    pending: Callable[[], tuple[int, int]], show: Callable[[int, int], None], tend: Callable[[], None]
) -> None:
    """Show (done, total) images until none waits to be indexed."""
    while True:
        done, total = pending()
        show(done, total)
        if done >= total:
            return
        tend()
        time.sleep(0.25)
