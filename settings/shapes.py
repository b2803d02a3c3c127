"""What goes together in the settings, and what the deployed shape needs: said at start, all of it."""

import re
from typing import TYPE_CHECKING

from settings.declared import SettingError

if TYPE_CHECKING:
    from settings import Settings

QUEUES = ("images", "embed", "index", "maintenance")
PRECISIONS = ("auto", "fp32", "bf16")  # as embedding.precision has them
DEVICE = r"cpu|mps|xpu|cuda(:free|:\d+)?"
LANGUAGES = ("en", "de")  # as web.language has them
SOLD_OUT = ("behind", "mixed", "hidden")  # as searcher.sold_out has them
SIGNUPS = ("invitation", "open")
SECOND_FACTORS = ("optional", "required")
POOLS = ("prefork", "solo", "threads")


def claimed_batch(read: "Settings") -> int:
    """Images that a worker claims together: for a GPU, enough that it computes while others are decoded."""
    return read.indexing.batch or (256 if read.model.device.startswith("cuda") else 32)


def check(read: "Settings") -> None:
    """Raise SettingError, naming the variable, for what cannot be started."""
    chosen = read.queue
    if read.model.precision not in PRECISIONS:
        raise SettingError(f"TWIRL_PRECISION={read.model.precision!r} is none of {', '.join(PRECISIONS)}.")
    if not re.fullmatch(DEVICE, read.model.device):
        raise SettingError(f"TWIRL_DEVICE={read.model.device!r} is none of cpu, cuda, cuda:0 …, cuda:free.")
    if read.web.language not in LANGUAGES:
        raise SettingError(f"TWIRL_LANGUAGE={read.web.language!r} is none of {', '.join(LANGUAGES)}.")
    if read.web.sold_out not in SOLD_OUT:
        raise SettingError(f"TWIRL_SOLD_OUT={read.web.sold_out!r} is none of {', '.join(SOLD_OUT)}.")
    if read.console.signup not in SIGNUPS:
        raise SettingError(f"TWIRL_SIGNUP={read.console.signup!r} is none of {', '.join(SIGNUPS)}.")
    if read.console.second_factor not in SECOND_FACTORS:
        raise SettingError(
            f"TWIRL_SECOND_FACTOR={read.console.second_factor!r} is none of {', '.join(SECOND_FACTORS)}."
        )
    if read.console.breached is not None and not read.console.breached.is_file():
        raise SettingError(f"TWIRL_BREACHED_PASSWORDS: there is no file {read.console.breached}.")
    if not re.fullmatch(r"(https?://[^/?#\s]+)?", read.console.public_url.rstrip("/")):
        raise SettingError(
            f"TWIRL_PUBLIC_URL={read.console.public_url!r} is no address like https://shop.example."
        )
    if not read.worker_queues:
        raise SettingError(f"TWIRL_WORKER_QUEUES is empty: name some of {', '.join(QUEUES)}.")
    if unknown := set(read.worker_queues) - set(QUEUES):
        raise SettingError(f"TWIRL_WORKER_QUEUES names {unknown.pop()!r}; there are: {', '.join(QUEUES)}.")
    if chosen.worker_pool not in POOLS:
        raise SettingError(f"TWIRL_WORKER_POOL={chosen.worker_pool!r} is none of {', '.join(POOLS)}.")
    if chosen.task_limit_s <= chosen.task_soft_limit_s:
        raise SettingError(
            f"TWIRL_TASK_LIMIT_S={chosen.task_limit_s} must be more than "
            f"TWIRL_TASK_SOFT_LIMIT_S={chosen.task_soft_limit_s}: the soft limit comes first."
        )
    if chosen.task_soft_limit_s <= 2 * read.indexing.decoder_timeout_s:
        raise SettingError(
            f"TWIRL_TASK_SOFT_LIMIT_S={chosen.task_soft_limit_s} must be more than twice "
            f"TWIRL_DECODER_TIMEOUT_S={read.indexing.decoder_timeout_s:g}: a picture that hangs the decoder "
            "is tried twice, and must not be taken for a task that hangs."
        )
    if not read.deployed:
        return
    why = "TWIRL_REDIS_URL is set, which chooses the deployed shape"
    if not chosen.redis_url.startswith(("redis://", "rediss://", "unix://")):
        raise SettingError("TWIRL_REDIS_URL is no address of Redis: write it as redis://host:6379/0")
    if not read.storage.database_url:
        raise SettingError(
            f"{why}, but TWIRL_DATABASE_URL is not: name the PostgreSQL database, "
            "postgresql+psycopg://user:password@host/name"
        )
    if not read.storage.database_url.startswith("postgres"):
        raise SettingError(f"{why}, but TWIRL_DATABASE_URL is no PostgreSQL database, which it needs.")
    if not read.vectors.qdrant_url:
        raise SettingError(f"{why}, but TWIRL_QDRANT_URL is not: name the Qdrant server, http://host:6333")
