"""gunicorn inside one of our processes: one worker, a pool of threads, two listeners."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from web.worker import Worker

GRACE_S = 10
Address = tuple[str, int]


class Server(BaseApplication):  # type: ignore[misc]
    """One gthread worker over an application that is made in the worker.

    Made after the fork and never before: the encoders' threads and the engine's connections do not
    survive one (so no preload).
    """

    def __init__(self, make_app: Callable[[], Any], options: dict[str, Any]) -> None:
        self.make_app = make_app
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        """Take the options over gunicorn's defaults; no file and no environment is read."""
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Make the WSGI application: called in the worker."""
        return self.make_app()


class Log(Logger):  # type: ignore[misc]
    """gunicorn's log goes the way of all others: to the root logger, which makes JSON of it."""

    def setup(self, cfg: Any) -> None:
        """Keep the level, have no handlers of its own."""
        super().setup(cfg)
        for each in (self.error_log, self.access_log):
            each.handlers[:] = []
            each.propagate = True
        logging.getLogger("gunicorn").setLevel(self.loglevel)


def options(addresses: Sequence[Address], threads: int, worker: type[Worker] = Worker) -> dict[str, Any]:
    """gunicorn's configuration for a storefront behind nothing or behind a proxy."""
    return {
        "bind": [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in addresses],
        "workers": 1,
        "worker_class": worker,
        "threads": threads,
        "preload_app": False,
        "timeout": 120,  # of a worker that no longer beats; loading the model pack counts
        "graceful_timeout": GRACE_S,
        "keepalive": 15,
        "limit_request_line": 8190,
        "accesslog": None,  # the application logs each request, with its id
        "loglevel": "warning",
        "logger_class": Log,
        "control_socket_disable": True,
    }


def serve(
    make_app: Callable[[], Any],
    addresses: Sequence[Address],
    threads: int = 8,
    head_s: float = Worker.head_s,
    least_kbs: float = Worker.least_rate / 1000,
) -> None:
    """Serve WSGI on every address until SIGTERM. `make_app` is called once, in the worker process.

    The head of a request must arrive within `head_s` seconds, its body at `least_kbs` kilobytes a second.
    """
    worker = type("Worker", (Worker,), {"head_s": head_s, "least_rate": least_kbs * 1000})
    Server(make_app, options(addresses, threads, worker)).run()
