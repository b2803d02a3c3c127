"""The `twirl` command as an operator types it: real processes, a real engine, a folder of its own."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
COLOURS = {"red": (190, 30, 40), "blue": (30, 60, 170), "green": (30, 130, 60)}


class Cli:
    """Runs `twirl` on one data folder."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TWIRL_")}
        chosen = {"TWIRL_DATA": str(data), "TWIRL_PORT": str(self.port), "TWIRL_OPS_PORT": str(free_port())}
        self.environ = {**kept, **chosen}

    def __call__(
        self, *words: str, cwd: Path = ROOT, safe: bool = False, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *(["-P"] if safe else []), "-m", "cli", *words],
            cwd=cwd,
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            timeout=170,
            check=False,
        )

    def spawn(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "cli", *words],
            cwd=ROOT,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cli, Path]]:
    """A data folder into which three good rows and two bad ones were imported."""
    folder = tmp_path_factory.mktemp("shop")
    rng = np.random.default_rng(3)
    rows = ["id,title,description,link,image_link,availability,price"]
    for name, rgb in COLOURS.items():
        noise = rng.integers(-12, 12, (320, 260, 3))
        Image.fromarray(np.clip(np.array(rgb) + noise, 0, 255).astype(np.uint8)).save(folder / f"{name}.jpg")
        rows.append(f"{name}-1,{name} shirt,A shirt,https://shop.example/{name},{name}.jpg,in stock,20 USD")
    (folder / "broken.jpg").write_bytes((folder / "red.jpg").read_bytes()[:900])
    rows.append("free-1,Shirt,A shirt,https://shop.example/f,red.jpg,in stock,cheap")
    rows.append("broken-1,Shirt,A shirt,https://shop.example/b,broken.jpg,in stock,20 USD")
    feed = folder / "feed.csv"
    feed.write_text("\n".join(rows))
    cli = Cli(folder / "data")
    done = cli("import", str(feed))
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "import.txt").write_text(done.stdout)
    yield cli, folder


def test_an_import_says_the_fate_of_every_row(shop: tuple[Cli, Path]) -> None:
    printed = (shop[1] / "import.txt").read_text()
    assert "5 rows: 4 created, 0 updated, 0 unchanged, 1 refused" in printed
    assert re.search(r"row 5, price: .*cheap", printed)
    assert re.search(r"broken-1, picture 0: .*\[image-truncated\]", printed)


def test_importing_again_changes_nothing(shop: tuple[Cli, Path]) -> None:
    cli, folder = shop
    done = cli("import", str(folder / "feed.csv"))
    assert "0 created, 0 updated, 4 unchanged, 1 refused" in done.stdout


def test_a_dry_run_and_a_feed_cut_short(shop: tuple[Cli, Path]) -> None:
    cli, folder = shop
    short = folder / "short.csv"
    short.write_text("\n".join((folder / "feed.csv").read_text().splitlines()[:2]))
    would = cli("import", str(short), "--dry-run", "--remove-missing")
    assert "1 rows, nothing written: 0 to create, 0 to update, 1 unchanged, 0 to remove" in would.stdout
    assert "more than half" in would.stdout
    done = cli("import", str(short), "--remove-missing", "--no-wait")
    assert "1 unchanged, 0 refused" in done.stdout and "3 of 4 products are not in this feed" in done.stdout
    assert cli("import", str(short), "--even-most").returncode == 2


def test_refused_rows_are_written_to_be_mended(shop: tuple[Cli, Path]) -> None:
    cli, folder = shop
    errors = folder / "errors.csv"
    done = cli("import", str(folder / "feed.csv"), "--errors", str(errors), "--no-wait")
    assert f"{errors}: 1 rows to mend" in done.stdout
    header, row = errors.read_text("utf-8-sig").splitlines()
    assert header.startswith("id,title,description,link,image_link,availability,price,twirl_row,")
    assert row.startswith("free-1,Shirt,A shirt,") and "5,price,price-invalid" in row


def test_words_and_photos_find_what_was_imported(shop: tuple[Cli, Path]) -> None:
    cli, folder = shop
    by_words = cli("search", "blue shirt", "--json")
    assert json.loads(by_words.stdout.splitlines()[0])["sku"] == "blue-1", by_words.stdout + by_words.stderr
    by_photo = cli("search", "--photo", str(folder / "green.jpg"), "--json")
    assert json.loads(by_photo.stdout.splitlines()[0])["sku"] == "green-1", by_photo.stdout


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_header_alone_is_no_feed(tmp_path: Path, more: tuple[str, ...]) -> None:
    feed = tmp_path / "feed.csv"
    feed.write_text("id,title,image_link\n")
    done = Cli(tmp_path / "data")("import", str(feed), *more)
    assert done.returncode == 1 and "The feed has no products." in done.stderr, done.stdout + done.stderr


def test_the_folder_it_is_called_in_hides_no_module(shop: tuple[Cli, Path], tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text("raise SystemExit('not these settings')")
    (tmp_path / "vectors" / "edge").mkdir(parents=True)
    for package in ("vectors", "vectors/edge"):
        (tmp_path / package / "__init__.py").touch()
    cli, folder = shop
    done = cli("import", str(folder / "feed.csv"), cwd=tmp_path, safe=True, PYTHONPATH=str(ROOT))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 unchanged" in done.stdout


def test_what_cannot_be_used_is_named_without_a_traceback(shop: tuple[Cli, Path], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "twirl.sqlite3").write_bytes(bytes(range(256)) * 64)
    long = tmp_path / ("x" * 100)
    for environ, said in (
        ({"TWIRL_DATA": str(tmp_path / "file")}, "TWIRL_DATA"),
        ({"TWIRL_DATA": str(tmp_path / "broken")}, "not a database"),
        ({"TWIRL_DATA": str(long)}, "shorter path"),
        ({"TWIRL_DATABASE_URL": "nonsense"}, "TWIRL_DATABASE_URL"),
    ):
        done = shop[0]("doctor", **environ)
        assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
        assert "Fix:" in done.stderr and said in done.stderr


def test_the_doctor_finds_nothing_and_then_what_was_lost(shop: tuple[Cli, Path]) -> None:
    cli, folder = shop
    assert "0 differences" in cli("doctor").stdout
    blob = next((cli.data / "blobs").rglob("*.webp"))
    kept = blob.read_bytes()
    blob.unlink()
    found = cli("doctor")
    assert found.returncode == 1
    assert "Fix:" in found.stdout
    mended = cli("doctor", "--repair")  # nowhere to be fetched from: database and index agree that it is gone
    assert mended.returncode == 0 and "0 differences" in mended.stdout
    assert "image-missing 1" in mended.stdout
    blob.parent.mkdir(exist_ok=True)
    blob.write_bytes(kept)
    assert cli("import", str(folder / "feed.csv")).returncode == 0
    well = cli("doctor")
    assert well.returncode == 0 and "image-missing" not in well.stdout


def test_an_unreadable_feed_is_refused_with_its_fix(shop: tuple[Cli, Path], tmp_path: Path) -> None:
    (tmp_path / "feed.csv").write_bytes(b"")
    done = shop[0]("import", str(tmp_path / "feed.csv"))
    assert done.returncode == 1
    assert "Fix:" in done.stderr
    assert "Traceback" not in done.stderr


def test_start_up_failures_name_cause_and_fix(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "data")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = cli("serve", TWIRL_PORT=port)
    assert (refused.returncode, "Traceback" in refused.stderr) == (1, False)
    assert f"Port {port}" in refused.stderr
    for variable, said in (
        ("TWIRL_MIN_FREE_DISK_MB", "MiB of disk are free"),
        ("TWIRL_MIN_FREE_MEMORY_MB", "MiB of memory are available"),
    ):
        refused = cli("serve", **{variable: "999999999"})
        assert refused.returncode == 1
        assert said in refused.stderr
        assert "Fix:" in refused.stderr
    refused = cli("serve", TWIRL_PROT="80")
    assert refused.returncode == 1
    assert "Did you mean TWIRL_PORT" in refused.stderr


def test_serving_holds_the_store_and_survives_its_children(shop: tuple[Cli, Path]) -> None:
    cli, _ = shop
    serving = cli.spawn("serve")
    try:
        assert serving.stdout
        line = serving.stdout.readline()
        assert f"http://127.0.0.1:{cli.port}" in line, line + serving.stdout.read()
        refused = cli("serve", TWIRL_PORT=str(free_port()), TWIRL_OPS_PORT=str(free_port()))
        assert refused.returncode == 1
        assert f"Another Twirl (process {serving.pid})" in refused.stderr
        assert "blue-1" in cli("search", "blue shirt", "--json").stdout  # through the running engine
        engine = int((cli.data / "index" / "engine.lock").read_text())
        os.kill(engine, signal.SIGKILL)
        time.sleep(1)
        deadline = time.monotonic() + 30
        while "blue-1" not in cli("search", "blue shirt", "--json").stdout:
            assert time.monotonic() < deadline
    finally:
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(30) == 0


@pytest.mark.parametrize("command", [["search", "dress"], ["reindex"], ["retry"]])
def test_a_shop_that_is_mistyped_is_named_and_not_made(tmp_path: Path, command: list[str]) -> None:
    made = Cli(tmp_path / "data")
    assert made("retry").returncode == 0
    done = made(*command, "--merchant", "dmeo")
    assert done.returncode == 1 and "There is no shop 'dmeo'" in done.stderr and "Fix:" in done.stderr


@pytest.mark.parametrize(
    "command", [[], ["demo"], ["import"], ["search"], ["doctor"], ["models"], ["reindex"]]
)
def test_help_says_what_a_command_does(command: list[str], tmp_path: Path) -> None:
    done = Cli(tmp_path)(*command, "--help")
    assert done.returncode == 0
    assert len(done.stdout.split()) > 15


def test_models_marks_the_pack_in_use(tmp_path: Path) -> None:
    done = Cli(tmp_path)("models")
    assert re.search(r"\*.*twirl-small", done.stdout)


def test_settings_are_listed_with_their_values(tmp_path: Path) -> None:
    done = Cli(tmp_path)("settings", COLUMNS="200")
    assert "TWIRL_PORT" in done.stdout
