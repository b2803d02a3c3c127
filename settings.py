"""Every setting of Twirl, and the only reader of the environment.

A setting is a field of one of the frozen dataclasses below. Its environment variable is TWIRL_ and the
field's name in capitals; its meaning is in its metadata, from which `docs/settings.md` and
`twirl settings` are made. A value that cannot be used stops the program at start, naming the variable.
A secret can be read from a file instead: TWIRL_QDRANT_API_KEY_FILE=/run/secrets/qdrant.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

HERE = Path(__file__).resolve().parent


class SettingError(ValueError):
    """A setting that cannot be used; the message names the variable and the fix."""


def setting(
    default: Any, doc: str, *, low: float | None = None, high: float | None = None, secret: bool = False
) -> Any:
    """Declare one setting: its default, what it is for, the least and the greatest value it may take."""
    return field(default=default, metadata={"doc": doc, "low": low, "high": high, "secret": secret})


@dataclass(frozen=True)
class Storage:
    """Where things are kept."""

    data: Path = setting(Path("data"), "Folder of everything Twirl keeps: database, images, index.")
    database_url: str = setting(
        "",
        "SQLAlchemy URL of the database. Empty: SQLite in the data folder. "
        "PostgreSQL: `postgresql+psycopg://user:password@host/name`.",
        secret=True,
    )
    min_free_disk_mb: int = setting(1024, "Refuse to start with less free disk than this, in MiB.", low=0)
    min_free_memory_mb: int = setting(
        1536, "Refuse to start with less available memory than this, in MiB.", low=0
    )


@dataclass(frozen=True)
class Web:
    """The storefront and its API."""

    host: str = setting("127.0.0.1", "Address the storefront listens on. `0.0.0.0` for every interface.")
    port: int = setting(8000, "Port the storefront listens on.", low=1, high=65_535)
    web_threads: int = setting(8, "Requests served at once by the web process.", low=1)
    shop: str = setting("demo", "Slug of the merchant whose storefront is served.")
    photo_ttl_s: int = setting(
        86_400, "Seconds a shopper's uploaded photo is kept, so that its result page can be shared.", low=60
    )


@dataclass(frozen=True)
class Model:
    """The model pack and the device it runs on."""

    pack: Path = setting(HERE / "packs" / "twirl-small", "Folder of the model pack that embeds and composes.")
    device: str = setting("cpu", "Torch device of the encoders: `cpu`, `cuda`, `cuda:1`.")
    torch_threads: int = setting(
        1, "Threads of one forward pass. More processes gain more than threads.", low=1
    )


@dataclass(frozen=True)
class Vectors:
    """The vector engine. Embedded unless a Qdrant server is named."""

    qdrant_url: str = setting("", "URL of a Qdrant server. Empty: the embedded engine in the data folder.")
    qdrant_api_key: str = setting("", "API key of the Qdrant server.", secret=True)
    qdrant_grpc_port: int = setting(
        6334, "Port of the Qdrant server's gRPC. 0: REST only.", low=0, high=65_535
    )
    vectors_timeout_s: float = setting(
        2.0, "Seconds a search waits for the engine before it answers 503.", low=0.1
    )


@dataclass(frozen=True)
class Indexing:
    """How the catalogue becomes searchable."""

    batch: int = setting(32, "Images embedded in one forward pass.", low=1)
    claim_lease_s: int = setting(
        120, "Seconds after which an image claimed by a silent worker is claimed anew.", low=5
    )
    decoder_workers: int = setting(
        1, "Child processes that decode pictures, for each process that needs them.", low=1
    )
    decoder_memory_mb: int = setting(1024, "Address space of one decoding child, in MiB.", low=256)
    decoder_timeout_s: float = setting(
        20.0, "Seconds one picture may take to decode before it is refused.", low=1
    )
    indexer_nice: int = setting(
        10, "Priority given up by the indexer, so that shoppers' searches come first.", low=0
    )
    alive_file: str = setting(
        "",
        "File that a worker and the beat touch every few seconds while they are well; "
        "`python -m indexer.alive FILE` checks it. Empty: none.",
    )


@dataclass(frozen=True)
class Logging:
    """What is written to the log."""

    log_level: str = setting("INFO", "DEBUG, INFO, WARNING or ERROR.")


@dataclass(frozen=True)
class Settings:
    """All settings, in the groups they are documented in."""

    storage: Storage = Storage()
    web: Web = Web()
    model: Model = Model()
    vectors: Vectors = Vectors()
    indexing: Indexing = Indexing()
    logging: Logging = Logging()

    @property
    def database_url(self) -> str:
        """The database in use: the one named, else SQLite in the data folder."""
        return self.storage.database_url or f"sqlite:///{self.storage.data.resolve() / 'twirl.sqlite3'}"


def variable(name: str) -> str:
    """The environment variable of a field."""
    return f"TWIRL_{name.upper()}"


def every_setting() -> Iterator[tuple[type[Any], "Field[Any]"]]:
    """Each group with each of its fields, in the order they are documented."""
    for group in fields(Settings):
        cls = get_type_hints(Settings)[group.name]
        for each in fields(cls):
            yield cls, each


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment.

    Raises SettingError naming the variable when a value cannot be used, and for a TWIRL_ variable that
    is not a setting, with the nearest name: a typing mistake must not go unnoticed.
    """
    env = os.environ if environ is None else environ
    _refuse_unknown(env)
    groups: dict[str, Any] = {}
    for group in fields(Settings):
        cls = get_type_hints(Settings)[group.name]
        hints = get_type_hints(cls)
        given = {f.name: _read(f, hints[f.name], env) for f in fields(cls) if _given(f.name, env)}
        groups[group.name] = cls(**given)
    return Settings(**groups)


def _given(name: str, env: Mapping[str, str]) -> bool:
    return variable(name) in env or f"{variable(name)}_FILE" in env


def _read(each: "Field[Any]", kind: type, env: Mapping[str, str]) -> Any:
    name = variable(each.name)
    raw = env.get(name)
    if raw is None:
        path = Path(env[f"{name}_FILE"])
        try:
            raw = path.read_text().strip()
        except OSError as error:
            raise SettingError(
                f"{name}_FILE: cannot read {path}: {error.strerror}. Name a readable file."
            ) from error
    if kind is Path and not raw:
        raise SettingError(f"{name} is empty: name a path, or leave the variable out. {each.metadata['doc']}")
    try:
        value = Path(raw).expanduser() if kind is Path else kind(raw)
    except ValueError as error:
        raise SettingError(f"{name}={raw!r} is not {_noun(kind)}. {each.metadata['doc']}") from error
    low = each.metadata["low"]
    if low is not None and value < low:
        raise SettingError(f"{name}={raw} is too small: at least {low:g}. {each.metadata['doc']}")
    high = each.metadata["high"]
    if high is not None and value > high:
        raise SettingError(f"{name}={raw} is too large: at most {high:g}. {each.metadata['doc']}")
    return value


def _noun(kind: type) -> str:
    return {int: "a whole number", float: "a number"}.get(kind, f"a {kind.__name__}")


def _refuse_unknown(env: Mapping[str, str]) -> None:
    from difflib import get_close_matches

    known = {variable(each.name) for _, each in every_setting()}
    for name in env:
        if name.startswith("TWIRL_") and name.removesuffix("_FILE") not in known:
            near = get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else " `twirl settings` lists them."
            raise SettingError(f"{name} is not a setting of Twirl.{hint}")


def as_rows(settings: Settings) -> Iterator[tuple[str, str, str, str]]:
    """(group, variable, value in force, meaning) of each setting; secrets are masked."""
    for group in fields(Settings):
        values = getattr(settings, group.name)
        for each in fields(values):
            value = getattr(values, each.name)
            shown = "********" if each.metadata["secret"] and value else str(value)
            yield group.name, variable(each.name), shown, each.metadata["doc"]


def as_markdown() -> str:
    """The page docs/settings.md, made from the declarations above."""
    lines = [
        "# Settings",
        "",
        "Each is an environment variable. A value that cannot be used stops the program at start and names",
        "the variable. `twirl settings` prints the values in force. Any can be read from a file instead: put",
        "`_FILE` behind the name of the variable. This page is made by `twirl settings --markdown`.",
    ]
    previous = None
    for cls, each in every_setting():
        if cls is not previous:
            lines += [
                "",
                f"## {cls.__name__}",
                "",
                str(cls.__doc__),
                "",
                "| variable | default | meaning |",
                "|---|---|---|",
            ]
            previous = cls
        default = each.default
        if isinstance(default, Path) and default.is_relative_to(HERE):
            default = default.relative_to(HERE)
        shown = f"`{default}`" if str(default) else "empty"
        lines.append(f"| `{variable(each.name)}` | {shown} | {each.metadata['doc']} |")
    return "\n".join(lines) + "\n"
