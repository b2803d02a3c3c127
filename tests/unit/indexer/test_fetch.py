"""Fetching images: against a local server, and against addresses that must never be dialled."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from catalog.public_addresses import is_public
from catalog.storage.folders import FolderIncoming
from indexer import fetch
from indexer.errors import FetchFailed
from indexer.fetch import Fetcher
from indexer.validators import wait_s


class Shop(BaseHTTPRequestHandler):
    """A merchant's web site with every bad habit."""

    def do_GET(self) -> None:
        name, _, rest = self.path.strip("/").partition("/")
        getattr(self, f"_{name}")(rest)

    def _image(self, size: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", size)
        self.end_headers()
        try:
            self.wfile.write(b"x" * int(size))
        except OSError:
            return

    def _status(self, status: str) -> None:
        self.send_response(int(status))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _busy(self, said: str) -> None:
        status, _, retry_after = said.partition("/")
        self.send_response(int(status))
        self.send_header("Retry-After", retry_after.replace("_", " "))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _hop(self, left: str) -> None:
        self.send_response(302)
        self.send_header("Location", f"/hop/{int(left) - 1}" if int(left) else "/image/3")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _away(self, target: str) -> None:
        self.send_response(302)
        self.send_header("Location", target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _drip(self, where: str) -> None:
        """A byte now and then: in the head, or in the body."""
        try:
            if where == "body":
                self.send_response(200)
                self.end_headers()
            for _ in range(200):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def fetcher(tmp_path: Path) -> Fetcher:
    return Fetcher(FolderIncoming(tmp_path), allow_private=True)


def refused(fetcher: Fetcher, source: str) -> FetchFailed:
    with pytest.raises(FetchFailed) as failed:
        fetcher.fetch(source)
    assert failed.value.message.endswith(".") and failed.value.fix.endswith(".")
    return failed.value


def test_bytes_come_from_the_folder_and_from_the_web(fetcher: Fetcher, site: str) -> None:
    assert fetcher.fetch(f"incoming:{fetcher.incoming.put(b'raw')}") == b"raw"
    assert fetcher.fetch(f"{site}/image/5") == b"xxxxx"
    assert refused(fetcher, "incoming:" + "0" * 64).code == "image-missing"


def test_three_redirects_are_followed_and_no_more(fetcher: Fetcher, site: str) -> None:
    assert fetcher.fetch(f"{site}/hop/2") == b"xxx"
    assert refused(fetcher, f"{site}/hop/3").code == "image-redirects"


@pytest.mark.parametrize(
    ("status", "transient"), [(404, False), (403, False), (410, False), (429, True), (503, True)]
)
def test_statuses_are_for_good_or_for_now(fetcher: Fetcher, site: str, status: int, transient: bool) -> None:
    failed = refused(fetcher, f"{site}/status/{status}")
    assert (failed.code, failed.transient) == (f"image-http-{status}", transient)


@pytest.mark.parametrize("status", [429, 503])
def test_a_host_that_says_when_is_left_alone_until_then(fetcher: Fetcher, site: str, status: int) -> None:
    failed = refused(fetcher, f"{site}/busy/{status}/120")
    assert (failed.code, failed.wait_s, failed.asked) == (f"image-http-{status}", 120, True)
    other = refused(fetcher, f"{site}/image/5")
    assert (other.code, other.transient, other.asked) == ("image-host-busy", True, False)
    assert 0 < other.wait_s <= fetch.HOST_WAIT_S  # what it said was of one picture, perhaps
    fetcher._busy = dict.fromkeys(fetcher._busy, time.monotonic())
    assert fetcher.fetch(f"{site}/image/5") == b"xxxxx"


def test_only_those_who_are_busy_are_heeded(fetcher: Fetcher, site: str) -> None:
    assert refused(fetcher, f"{site}/busy/500/120").wait_s == 0
    assert refused(fetcher, f"{site}/busy/429/soon").wait_s == 0
    assert fetcher.fetch(f"{site}/image/5") == b"xxxxx"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("0", 0), ("30", 30), ("999999", 3600), ("-5", 0), ("1.5", 0), ("", 0), ("soon", 0), ("\u0663", 0),
        ("Sun, 29 Nov 2026 10:02:00 GMT", 120), ("Sun, 29 Nov 2026 09:00:00 GMT", 0),
        ("Mon, 30 Nov 2026 10:00:00 GMT", 3600), ("Sun, 99 Nov 2026 10:02:00 GMT", 0),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date_of_the_hosts_own_clock(said: str, seconds: float) -> None:
    assert wait_s({"Retry-After": said, "Date": "Sun, 29 Nov 2026 10:00:00 GMT"}) == seconds


def test_a_date_without_a_date_is_compared_with_ours() -> None:
    said = format_datetime(datetime.now(UTC) + timedelta(seconds=300), usegmt=True)
    assert 290 < wait_s({"Retry-After": said}) <= 300


def test_what_is_too_large_is_cut_off(fetcher: Fetcher, site: str) -> None:
    assert len(fetcher.fetch(f"{site}/image/{fetch.MAX_BYTES}")) == fetch.MAX_BYTES
    assert refused(fetcher, f"{site}/image/{fetch.MAX_BYTES + 1}").code == "image-too-large"


@pytest.mark.parametrize("where", ["head", "body"])
def test_a_dripping_server_is_cut_at_the_deadline(tmp_path: Path, site: str, where: str) -> None:
    fetcher = Fetcher(FolderIncoming(tmp_path), allow_private=True, deadline_s=0.4)
    began = time.monotonic()
    failed = refused(fetcher, f"{site}/drip/{where}")
    assert (failed.code, failed.transient) == ("image-timeout", True) and time.monotonic() - began < 3


def test_nobody_there_is_for_now(fetcher: Fetcher) -> None:
    failed = refused(fetcher, "http://127.0.0.1:9/x.jpg")
    assert (failed.code, failed.transient) == ("image-unreachable", True)


HOSTILE = [
    "http://127.0.0.1/x", "http://localhost/x", "http://[::1]/x", "http://0.0.0.0/x", "http://10.0.0.1/x",
    "http://192.168.1.1/x", "http://172.16.0.1/x", "http://169.254.169.254/latest/meta-data", "http://100.64.0.1/x",
    "http://2130706433/x", "http://0x7f000001/x", "http://0177.0.0.1/x", "http://127.1/x",
    "http://[::ffff:127.0.0.1]/x", "http://[::127.0.0.1]/x", "http://[fec0::1]/x",
    "http://[::ffff:0:127.0.0.1]/x", "http://[fe80::1]/x", "http://[fc00::1]/x", "http://[64:ff9b::7f00:1]/x",
    "http://[2002:7f00:1::]/x", "http://224.0.0.1/x", "http://255.255.255.255/x", "http://240.0.0.1/x",
    "file:///etc/passwd", "ftp://example.com/x", "gopher://example.com/x", "http://user:pw@example.com/x",
    "http://example.com:22/x", "http://example.com:6379/x", "http:///x", "http://[/x", "https://127.0.0.1/x",
]  # fmt: skip


@pytest.mark.parametrize("url", HOSTILE)
def test_hostile_addresses_are_refused_for_good(tmp_path: Path, url: str) -> None:
    failed = refused(Fetcher(FolderIncoming(tmp_path)), url)
    assert (failed.code, failed.transient) == ("image-address", False), failed


def test_a_redirect_to_a_private_address_is_refused(tmp_path: Path, site: str) -> None:
    fetcher = Fetcher(FolderIncoming(tmp_path), allow_private=True)
    assert refused(fetcher, f"{site}/away/http://169.254.169.254/x").code == "image-address"
    assert refused(fetcher, f"{site}/away/file:///etc/passwd").code == "image-address"


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "[2606:4700:4700::1111]"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)
