"""Every setting of Twirl, and the only reader of the environment.

A setting is a field of one of the frozen dataclasses below. Its environment variable is TWIRL_ and the
field's name in capitals; its meaning is in its metadata, from which `docs/settings.md` and
`twirl settings` are made. A value that cannot be used stops the program at start, naming the variable.
A secret can be read from a file instead: TWIRL_QDRANT_API_KEY_FILE=/run/secrets/qdrant.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass
from pathlib import Path
from typing import Any

import declared
import shapes
from declared import SettingError, setting, variable

__all__ = ["SettingError", "Settings", "as_markdown", "as_rows", "load", "secrets", "variable"]

HERE = Path(__file__).resolve().parent
LEAST_TOKEN = 16  # characters: what nobody guesses
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


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
    db_pool_size: int = setting(
        5, "PostgreSQL connections that a process keeps open. A thread that uses the database has one.", low=1
    )
    db_pool_overflow: int = setting(10, "Connections beside those at busy times, closed after use.", low=0)
    db_pool_wait_s: float = setting(5.0, "Seconds to wait for a free connection before giving up.", low=0.1)
    db_connect_timeout_s: int = setting(5, "Seconds to wait for PostgreSQL to take a connection.", low=2)
    db_statement_timeout_ms: int = setting(
        30_000, "Milliseconds one statement may take on PostgreSQL. 0: as long as it likes.", low=0
    )
    db_lock_timeout_ms: int = setting(
        10_000, "Milliseconds a statement may wait for another's lock on PostgreSQL. 0: for ever.", low=0
    )
    images_url: str = setting(
        "",
        "Where image bytes are kept: `s3://bucket/prefix`, or `file:///mnt/images` for a mounted folder. "
        "Empty: where the database says, which is the data folder at first. Credentials are the usual AWS "
        "variables.",
    )
    images_options: str = setting(
        "",
        'JSON for the storage\'s library (fsspec), such as `{"endpoint_url": "https://minio:9000"}`. What a '
        "URL may say in public can stand there too: `s3://bucket?endpoint_url=https://minio:9000`.",
        secret=True,
    )
    images_timeout_s: float = setting(
        10.0, "Seconds one request to object storage may take, tries and all.", low=0.5
    )
    images_cache_mb: int = setting(
        1024, "Pictures of object storage that a web process keeps in the data folder, in MiB.", low=1
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

    pack: Path = setting(
        HERE / "packs" / "twirl-small",
        "Folder of the model pack that a new installation begins with. Later it is `twirl reembed` and "
        "`twirl switch` that change the model.",
    )
    device: str = setting(
        "cpu",
        "Torch device of the encoders: `cpu`, `cuda`, `cuda:1`; `cuda:free`: a GPU that no other process of "
        "this data folder has taken.",
    )
    precision: str = setting("auto", "`fp32`, `bf16`, or `auto`: bf16 where the device computes in it.")
    torch_threads: int = setting(
        1, "Threads of one forward pass. More processes gain more than threads.", low=1
    )
    query_log_days: int = setting(
        30,
        "Days that searches are kept, to compare models on: words, filters, item or photo id, never who "
        "searched. 0 keeps none.",
        low=0,
    )


@dataclass(frozen=True)
class Vectors:
    """The vector engine. Embedded unless a Qdrant server is named."""

    qdrant_url: str = setting(
        "",
        "URL of a Qdrant server: `http://qdrant:6333`; it may carry the API key, `https://KEY@host:6333`. "
        "Empty: the embedded engine in the data folder.",
        secret=True,
    )
    qdrant_api_key: str = setting("", "API key of the Qdrant server.", secret=True)
    qdrant_grpc_port: int = setting(
        6334, "Port of the Qdrant server's gRPC. 0: REST only.", low=0, high=65_535
    )
    qdrant_shards: int = setting(
        1, "Shards of a collection that is made on the Qdrant server (docs/sizing.md).", low=1
    )
    qdrant_replicas: int = setting(
        1,
        "Copies of each shard of a new collection, on nodes of their own. 2 outlives the loss of one.",
        low=1,
    )
    qdrant_write_consistency: int = setting(
        1, "Copies that must have applied a write before it counts as done.", low=1
    )
    vectors_timeout_s: float = setting(
        1.5, "Seconds a search waits for the vector engine, all in all, before it answers 503.", low=0.1
    )


@dataclass(frozen=True)
class Indexing:
    """How the catalogue becomes searchable."""

    batch: int = setting(
        0, "Images that are claimed together and embedded at once. 0: what `twirl tune` has found.", low=0
    )
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
    alive_path: str = setting(
        "",
        "File that a worker and the beat touch every few seconds while they are well; "
        "`python -m indexer.alive FILE` checks it. Empty: none.",
    )


@dataclass(frozen=True)
class Operations:
    """What operators see, on a listener of its own: `/metrics`, `/ops`, `/healthz`, `/readyz`; and traces."""

    ops_host: str = setting(
        "127.0.0.1",
        "Address the operators' pages listen on. Any but this machine's own needs TWIRL_OPS_TOKEN.",
    )
    ops_port: int = setting(
        0, "Port the operators' pages listen on. 0: the storefront's and one (8001).", low=0, high=65_535
    )
    ops_token: str = setting(
        "",
        "What operators and Prometheus show: `Authorization: Bearer ...`, or typed into the login page. At "
        "least 16 characters. Empty: no questions asked, of this machine's own programs only.",
        secret=True,
    )
    otlp_endpoint: str = setting(
        "", "Collector of OpenTelemetry traces, OTLP over HTTP: `http://collector:4318`. Empty: no traces."
    )
    otlp_ratio: float = setting(1.0, "Share of the traces that are kept.", low=0, high=1)

    def __post_init__(self) -> None:
        if self.ops_token and len(self.ops_token) < LEAST_TOKEN:
            raise SettingError(
                f"TWIRL_OPS_TOKEN is too short: at least {LEAST_TOKEN} characters. "
                "Make one with `openssl rand -hex 24`."
            )
        if self.otlp_endpoint and not self.otlp_endpoint.startswith(("http://", "https://")):
            raise SettingError(
                f"TWIRL_OTLP_ENDPOINT={self.otlp_endpoint!r} is no address: write http://collector:4318."
            )


@dataclass(frozen=True)
class Queue:
    """The queue of the deployed shape: Celery on Redis. The database stays the ledger of all work."""

    redis_url: str = setting(
        "",
        "URL of Redis: `redis://:password@host:6379/0`, `rediss://` with TLS. Set: the deployed shape, which "
        "needs PostgreSQL (TWIRL_DATABASE_URL) and a Qdrant server (TWIRL_QDRANT_URL). Give it a Redis "
        "database of its own.",
        secret=True,
    )
    worker_queues: str = setting(
        "images,embed,index,maintenance", "Queues that a worker takes from, with commas between."
    )
    worker_concurrency: int = setting(1, "Tasks that a worker does at once.", low=1)
    worker_pool: str = setting(
        "prefork",
        "`prefork`: a process for each task at once. `solo`: one process, as a GPU wants it. `threads`: "
        "threads that share one model.",
    )
    worker_memory_mb: int = setting(
        4096, "A prefork process above so many MiB is replaced after its task. Its models take some.", low=256
    )
    task_soft_limit_s: int = setting(
        90, "Seconds after which a task is asked to give up; its images are then tried one by one.", low=5
    )
    task_limit_s: int = setting(
        120, "Seconds after which the process of a task is killed. More than the soft limit.", low=10
    )
    soft_shutdown_s: int = setting(
        30, "Seconds that a worker told to stop gives its tasks before it hands them back.", low=1
    )
    sweep_s: float = setting(
        5.0, "Seconds between two looks of `twirl beat` at the ledger. What a lost message costs.", low=0.2
    )
    embed_wait_ms: int = setting(
        200, "Milliseconds that an embedding batch which is not full waits for more images.", low=0
    )


@dataclass(frozen=True)
class Logging:
    """What is written to the log: JSON lines on standard error."""

    log_level: str = setting("INFO", "DEBUG, INFO, WARNING or ERROR.")

    def __post_init__(self) -> None:
        if self.log_level.upper() not in LOG_LEVELS:
            raise SettingError(f"TWIRL_LOG_LEVEL={self.log_level!r} is none of {', '.join(LOG_LEVELS)}.")


@dataclass(frozen=True)
class Settings:
    """All settings, in the groups they are documented in."""

    storage: Storage = Storage()
    web: Web = Web()
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
