"""What is kept where, what is served, and with which model and index."""

from dataclasses import dataclass
from pathlib import Path

from settings.declared import setting

HERE = Path(__file__).resolve().parent.parent


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
    language: str = setting(
        "en",
        "Language of the catalogue's own texts, and of the pages for shoppers whose browser asks for none "
        "that they speak: `en` or `de`.",
    )
    sold_out: str = setting(
        "behind",
        "Where results have what is sold out: `behind` what can be bought, `mixed` with it by relevance, "
        "or `hidden`. Who asks for it by availability finds it anyway.",
    )
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
    insight_days: int = setting(
        90,
        "Days that the merchant's insight goes back: what was asked, found and chosen, of nobody. Single "
        "searches and clicks are kept for 30 of them at most. 0 keeps none.",
        low=0,
        high=3650,
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
