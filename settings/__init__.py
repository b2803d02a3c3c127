"""Every setting of Twirl, and the only reader of the environment.

A setting is a field of one of the frozen dataclasses in `serving` and `working`. Its environment variable is
TWIRL_ and the field's name in capitals; its meaning is in its metadata, from which `docs/settings.md` and
`twirl settings` are made. A value that cannot be used stops the program at start, naming the variable.
A secret can be read from a file instead: TWIRL_QDRANT_API_KEY_FILE=/run/secrets/qdrant.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass
from pathlib import Path
from typing import Any

from settings import declared, shapes
from settings.console import Console
from settings.declared import SettingError, variable
from settings.limits import Limits
from settings.serving import Model, Storage, Vectors, Web
from settings.working import Indexing, Logging, Operations, Queue

__all__ = [
    "Console", "Indexing", "Limits",
    "Logging", "Model", "Operations", "Queue", "SettingError", "Settings", "Storage",
    "Vectors", "Web", "as_markdown", "as_rows", "load", "secrets", "variable",
]  # fmt: skip

HERE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """All settings, in the groups they are documented in."""

    storage: Storage = Storage()
    web: Web = Web()
    console: Console = Console()
    limits: Limits = Limits()
    model: Model = Model()
    vectors: Vectors = Vectors()
    indexing: Indexing = Indexing()
    queue: Queue = Queue()
    operations: Operations = Operations()
    logging: Logging = Logging()

    @property
    def ops_port(self) -> int:
        """The port of the operators' listener: the one named, else the storefront's and one."""
        return self.operations.ops_port or (self.web.port + 1 if self.web.port < 65_535 else 65_534)

    @property
    def database_url(self) -> str:
        """The database in use: the one named, else SQLite in the data folder."""
        path = str(self.storage.data.resolve() / "twirl.sqlite3")
        for sign in "%?#":  # they would end the path
            path = path.replace(sign, f"%{ord(sign):02X}")
        return self.storage.database_url or f"sqlite:///{path}"

    @property
    def deployed(self) -> bool:
        """Whether this is the deployed shape: servers, with Celery workers that Redis wakes."""
        return bool(self.queue.redis_url)

    @property
    def worker_queues(self) -> tuple[str, ...]:
        """The queues that a worker takes from."""
        return tuple(name for each in self.queue.worker_queues.split(",") if (name := each.strip()))


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment.

    Raises SettingError naming the variable when a value cannot be used, and for a TWIRL_ variable that
    is not a setting, with the nearest name: a typing mistake must not go unnoticed.
    """
    env = os.environ if environ is None else environ
    read = Settings(**declared.read(Settings, env))
    shapes.check(read)
    return read


def every_setting() -> Iterator[tuple[type[Any], "Field[Any]"]]:
    """Each group with each of its fields, in the order they are documented."""
    return declared.every_setting(Settings)


def as_rows(settings: Settings) -> Iterator[tuple[str, str, str, str]]:
    """(group, variable, value in force, meaning) of each setting; secrets are masked."""
    return declared.as_rows(settings)


def secrets(settings: Settings) -> list[str]:
    """The values that no log may show."""
    return declared.secrets(settings)


def as_markdown() -> str:
    """The page docs/settings.md, made from the declarations above."""
    return declared.as_markdown(Settings, HERE)
