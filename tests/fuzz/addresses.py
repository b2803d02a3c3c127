"""Addresses that lead where nobody from outside should go, and a name server that changes its mind."""

import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from catalog.public_addresses import is_public
from catalog.storage.folders import FolderIncoming
from indexer.errors import FetchFailed
from indexer.fetch import Fetcher

PUBLIC = "93.184.215.14"
INNER = (
    "127.0.0.1", "10.0.0.5", "169.254.169.254", "192.168.0.1", "172.16.9.9", "100.64.0.1", "0.0.0.0",  # noqa: S104
)  # fmt: skip
NAME = "rebinding.example.test"

HOSTILE = (
    *(f"http://{each}/x.jpg" for each in (
        "127.0.0.1", "localhost", "LOCALHOST", "localhost.", "127.1", "127.0.1", "127.127.127.127",
        "0", "0.0.0.0", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "0177.0.0.1",  # noqa: S104
        "127.0.0.1.", "[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
        "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::1]",
        "[2002:7f00:1::]", "[2001:0:53aa:64c::1]", "[fe80::1]", "[fe80::1%25lo]", "[fc00::1]",
        "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[100::1]", "[2001:db8::1]", "10.0.0.1",
        "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
        "100.127.255.255", "169.254.169.254", "169.254.170.2", "192.0.0.1", "192.0.2.1", "192.88.99.1",
        "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "①②⑦.⓪.⓪.①", "127。0。0。1", "127.0.0.1:80",
    )),
    "http://127.0.0.1:6379/", "http://user@127.0.0.1/", "http://93.184.215.14@127.0.0.1/",
    "http://127.0.0.1#93.184.215.14/", "http://127.0.0.1\\@93.184.215.14/", "http:///127.0.0.1/x",
    "http:127.0.0.1/x", "//127.0.0.1/x", "file:///etc/passwd", "file://localhost/etc/passwd", "ftp://127.0.0.1/x",
    "gopher://127.0.0.1:6379/_FLUSHALL", "dict://127.0.0.1:11211/stat", "data:image/png;base64,AAAA",
    "jar:http://127.0.0.1!/x", "unix:///var/run/docker.sock", "http://[::1", "http://127.0.0.1:99999/",
    "http://\x00127.0.0.1/", "http://127.0.0.1%00.example.com/", "http://%31%32%37.0.0.1/x",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/x", "https://0x7f.0x0.0x0.0x1/", "HTTP://127.0.0.1/X",
)  # fmt: skip


@dataclass
class Dialled:
    """Every address that this process asked the kernel to connect to, while it is watched."""

    addresses: list[str] = field(default_factory=list)

    @property
    def inner(self) -> list[str]:
        """Those that are not of the public internet."""
        return [each for each in self.addresses if not is_public(f"[{each}]" if ":" in each else each)]


_watch: list[Dialled] = []
_hooked: list[bool] = []
_allowed: set[int] = set()  # ports of our own servers


@contextmanager
def watched(ports: tuple[int, ...] = ()) -> Iterator[Dialled]:
    """See every connection that is begun, whatever code begins it; none leaves, but to these local ports."""
    if not _hooked:
        sys.addaudithook(_hook)  # for good: Python has no way to take one off
        _hooked.append(True)
    seen = Dialled()
    _watch.append(seen)
    _allowed.update(ports)
    try:
        yield seen
    finally:
        _watch.remove(seen)
        _allowed.difference_update(ports)


def _hook(event: str, given: Any) -> None:
    if event != "socket.connect" or not _watch or not isinstance(given[1], tuple):
        return
    host, port = given[1][:2]
    if port in _allowed and ip_address(host.split("%")[0]).is_loopback:
        return
    for seen in _watch:
        seen.addresses.append(host)
    raise ConnectionRefusedError("nothing leaves this machine in a test")


class FickleNames:
    """A name server on this machine that answers every question anew: outer first, then inner, or mixed."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.answers: list[str] = []
        self.asked = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Answer no more."""
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                question, client = self._socket.recvfrom(512)
            except OSError:
                return
            answer = self.answers[min(self.asked, len(self.answers) - 1)]
            self.asked += 1
            records = b"".join(
                b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 0, 4) + socket.inet_aton(each)
                for each in answer.split()
            )
            head = question[:2] + struct.pack(">HHHHH", 0x8180, 1, len(answer.split()), 0, 0)
            self._socket.sendto(head + question[12:] + records, client)

    def lookup(self, name: str) -> list[str]:
        """Ask it, over its socket."""
        labels = b"".join(bytes([len(each)]) + each.encode() for each in name.split(".")) + b"\0"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(5)
            asking.sendto(
                b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + labels + struct.pack(">HH", 1, 1), ("127.0.0.1", self.port)
            )
            answer = asking.recv(512)
        count, at = struct.unpack(">H", answer[6:8])[0], 12 + len(labels) + 4
        return [socket.inet_ntoa(answer[at + 16 * n + 12 : at + 16 * n + 16]) for n in range(count)]


@contextmanager
def named_by(names: FickleNames) -> Iterator[None]:
    """Have this process ask that server for NAME, where it would ask the system's."""
    real = socket.getaddrinfo

    def asked(host: Any, port: Any, *rest: Any, **named: Any) -> Any:
        if host in (NAME, NAME.encode()):
            kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
            return [(*kind, (each, int(port or 0))) for each in names.lookup(NAME)]
        return real(host, port, *rest, **named)

    socket.getaddrinfo = asked
    try:
        yield
    finally:
        socket.getaddrinfo = real


def refusals(folder: Path) -> tuple[list[str], Dialled]:
    """The hostile addresses that were not refused, and what was dialled for all of them.

    A name that the system's resolver does not know (`localhost.`) may be tried again: nothing is dialled.
    """
    fetcher, wrong = Fetcher(FolderIncoming(folder)), []
    with watched() as dialled:
        for url in HOSTILE:
            try:
                fetcher.fetch(url)
                wrong.append(f"{url!r} was fetched")
            except FetchFailed as error:
                if error.code not in ("image-address", "image-unreachable") or not error.fix:
                    wrong.append(f"{url!r}: {error.code}, {error.message}")
            except Exception as error:
                wrong.append(f"{url!r} raised {error!r}")
    return wrong, dialled


def rebinding(folder: Path, tries: int) -> tuple[int, Dialled]:
    """So many fetches by a name whose address is another each time: questions asked, and what was dialled."""
    names, fetcher = FickleNames(), Fetcher(FolderIncoming(folder))
    asked = 0
    try:
        with named_by(names), watched() as dialled:
            for number in range(tries):
                inner = INNER[number % len(INNER)]
                names.answers = (
                    [PUBLIC, inner], [inner, PUBLIC],
                    [f"{PUBLIC} {inner}", inner], [f"{inner} {PUBLIC}", PUBLIC],
                )[number // len(INNER) % 4]  # fmt: skip
                names.asked = 0
                try:
                    fetcher.fetch(f"http://{NAME}/{number}.jpg")
                except FetchFailed:
                    asked += names.asked
    finally:
        names.close()
    return asked, dialled
