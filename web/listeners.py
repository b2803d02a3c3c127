"""One process, two listeners: the shop for everyone, the operators' pages on a port of their own.

Which one a request came in by is told from its socket (WSGI's SERVER_PORT), never from what the client says.
On the shop's listener the merchants' console is an application of its own, below /console.
"""

from collections.abc import Iterable
from typing import Any

from flask import Flask


class Listeners:
    """WSGI: the operators' application for what arrives at their port; else the shop, or the console."""

    def __init__(self, shop: Flask, ops: Flask, ops_port: int, console: Flask | None = None) -> None:
        self.shop, self.ops, self.console = shop, ops, console
        self._ops_port = str(ops_port)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Hand over to the one that this socket belongs to."""
        if environ.get("SERVER_PORT") == self._ops_port:
            return self.ops(environ, start_response)
        return self.everybodys(environ)(environ, start_response)

    def everybodys(self, environ: dict[str, Any]) -> Flask:
        """Which application of the shop's listener answers."""
        path = environ.get("PATH_INFO", "")
        if self.console is not None and (path == "/console" or path.startswith("/console/")):
            return self.console
        return self.shop
