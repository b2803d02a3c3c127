"""One process, two listeners: the shop for everyone, the operators' pages on a port of their own.

Which one a request came in by is told from its socket (WSGI's SERVER_PORT), never from what the client says.
"""

from collections.abc import Iterable
from typing import Any

from flask import Flask


class Listeners:
    """WSGI: the operators' application for what arrives at their port, the shop for everything else."""

    def __init__(self, shop: Flask, ops: Flask, ops_port: int) -> None:
        self.shop, self.ops = shop, ops
        self._ops_port = str(ops_port)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Hand over to the one that this socket belongs to."""
        chosen = self.ops if environ.get("SERVER_PORT") == self._ops_port else self.shop
        return chosen(environ, start_response)
