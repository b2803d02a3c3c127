"""gunicorn inside one of our processes: one worker, a pool of threads."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

GRACE_S = 10


class Server(BaseApplication):  # type: ignore[misc]
    """One gthread worker over an application that is made in the worker.

    Made after the fork and never before: the encoders' threads and the engine's connections do not
    survive one (so no preload).
    """

    def __init__(self, make_app: Callable[[], Flask], options: dict[str, Any]) -> None:
        self.make_app = make_app
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        """Take the options over gunicorn's defaults; no file and no environment is read."""
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the application: called in the worker."""
        return self.make_app()


def options(host: str, port: int, threads: int) -> dict[str, Any]:
    """gunicorn's configuration for a storefront behind nothing or behind a proxy."""
    bracketed = f"[{host}]" if ":" in host else host
    return {
        "bind": [f"{bracketed}:{port}"],
        "workers": 1,
        "worker_class": "gthread",
        "threads": threads,
        "preload_app": False,
        "timeout": 120,  # of a worker that no longer beats; loading the model pack counts
        "graceful_timeout": GRACE_S,
        "keepalive": 15,
        "limit_request_line": 8190,
        "accesslog": None,  # the application logs each request, with its id
        "loglevel": "warning",
        "control_socket_disable": True,
    }


def serve(make_app: Callable[[], Flask], host: str, port: int, threads: int = 8) -> None:
    """Serve until SIGTERM. `make_app` is called once, in the worker process."""
    Server(make_app, options(host, port, threads)).run()
