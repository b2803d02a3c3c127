"""Connections that reach public addresses only and end at a deadline, on top of requests-hardened.

requests-hardened resolves a name once, refuses private addresses and dials the one that it checked. Added
here: every address that is not global, the embeddings of IPv4 in IPv6 that it lets through, and a handle on
the sockets, because a timeout of requests is for each read: a byte every few seconds would hold us for hours.
"""

import socket
from typing import Any

import requests
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from catalog.public_addresses import is_public


class Guard(IPFilterAdapter):  # type: ignore[misc]  # the library ships no types
    """The transport of one fetch: checks each address that is dialled and can cut the line."""

    def __init__(self, is_https_proto: bool, allow_private: bool) -> None:
        self.allow_private = allow_private
        self.sockets: list[socket.socket] = []
        super().__init__(is_https_proto=is_https_proto, allow_loopback=allow_private)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make pools whose connections tell us their sockets."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(self.sockets)

    def build_connection_pool_key_attributes(self, *args: Any, **kwargs: Any) -> Any:
        """Resolve and check; raises InvalidIPAddress for what is not public."""
        host, pool = super().build_connection_pool_key_attributes(*args, **kwargs)
        if not self.allow_private and not is_public(host["host"]):
            raise InvalidIPAddress(host["host"])
        return host, pool

    def cut(self) -> None:
        """End every connection now: a read that waits returns at once."""
        for each in self.sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # closed already


def guarded_session(allow_private: bool) -> tuple[requests.Session, list[Guard]]:
    """A session for one fetch, and its two transports. No proxy of the environment is used."""
    session = requests.Session()
    session.trust_env = False
    guards = [Guard(False, allow_private), Guard(True, allow_private)]
    session.mount("http://", guards[0])
    session.mount("https://", guards[1])
    return session, guards


def _pools(sockets: list[socket.socket]) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            sockets.append(self.sock)

    class Tls(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            sockets.append(self.sock)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = Tls

    return {"http": PlainPool, "https": TlsPool}
