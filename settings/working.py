"""How the catalogue is indexed, by whom, and what operators see of it."""

from base64 import b32decode
from dataclasses import dataclass

from settings.declared import SettingError, setting

LEAST_TOKEN = 16  # characters: what nobody guesses
LEAST_KEY = 16  # bytes of a second factor's key (RFC 4226)
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True)
class Indexing:
    """How the catalogue becomes searchable."""

    batch: int = setting(
        0, "Images that are claimed together and embedded at once. 0: what `twirl tune` has found.", low=0
    )
    claim_lease_s: int = setting(
        120, "Seconds after which an image claimed by a silent worker is claimed anew.", low=5
    )
    deleted_kept_s: int = setting(
        86_400, "Seconds for which an item that was deleted can be brought back.", low=0
    )
    decoder_workers: int = setting(
        1, "Child processes that decode pictures, for each process that needs them.", low=1
    )
    decoder_memory_mb: int = setting(1024, "Address space of one decoding child, in MiB.", low=256)
    decoder_timeout_s: float = setting(
        20.0, "Seconds one picture may take to decode before it is refused.", low=1
    )
    feed_max_mb: int = setting(256, "Size of one uploaded or fetched feed, in MiB.", low=1)
    feed_images_max_mb: int = setting(
        2048, "Size of the pictures that are uploaded beside a feed, in MiB.", low=1
    )
    feed_memory_mb: int = setting(
        1024, "Address space of the child process that reads an uploaded feed, in MiB.", low=256
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
    ops_second_factor: str = setting(
        "",
        "Key of the codes (TOTP) that the operators' login asks for beside the token, in base32: `head -c 20 "
        "/dev/urandom | base32`, typed into an app for codes. Set: the token alone, as a bearer, only reads "
        "`/metrics`. Empty: the token is enough.",
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
        self._check_second_factor()
        if self.otlp_endpoint and not self.otlp_endpoint.startswith(("http://", "https://")):
            raise SettingError(
                f"TWIRL_OTLP_ENDPOINT={self.otlp_endpoint!r} is no address: write http://collector:4318."
            )

    def _check_second_factor(self) -> None:
        if not self.ops_second_factor:
            return
        if not is_key(self.ops_second_factor):
            raise SettingError(
                f"TWIRL_OPS_SECOND_FACTOR is no key of {LEAST_KEY} bytes or more in base32 (A to Z, 2 to 7). "
                "Make one with `head -c 20 /dev/urandom | base32`."
            )
        if not self.ops_token:
            raise SettingError(
                "TWIRL_OPS_SECOND_FACTOR is set and TWIRL_OPS_TOKEN is not: there is nothing to log in with. "
                "Set both, or neither."
            )


def is_key(text: str) -> bool:
    """Whether this is base32 of enough bytes for a key of one-time codes."""
    try:
        return len(b32decode(text.strip().upper())) >= LEAST_KEY
    except ValueError:
        return False


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
