"""Passwords of the deployed services: drawn once, written where each service reads its own.

    FOLDER/postgres/password            what the database asks of Twirl
    FOLDER/redis/{password,redis.conf}
    FOLDER/qdrant/config.yaml           its API keys: Twirl's, and one that may only read
    FOLDER/twirl/...                    URLs with their passwords, for the settings that end in _FILE
    FOLDER/prometheus/..., exporter/..., grafana/...

A password is kept for ever; what is made from passwords is written again whenever it differs. To change one,
remove its file (`SOURCES` names it), write again, and tell the service that has the old one.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path

BITS = 256
# Where each drawn password is kept; everything else is made from these.
SOURCES = {
    "database": "postgres/password",
    "redis": "redis/password",
    "qdrant": "twirl/qdrant_api_key",
    "qdrant_reader": "prometheus/qdrant_api_key",
    "ops": "twirl/ops_token",
    "console": "twirl/console_key",
    "grafana": "grafana/password",
}


@dataclass(frozen=True)
class Addresses:
    """Where the services listen, as host:port, seen from Twirl's processes; and the database's name."""

    postgres: str = "postgres:5432"
    redis: str = "redis:6379"
    database: str = "twirl"


def write_secrets(folder: Path, addresses: Addresses, readable: bool = False) -> list[str]:
    """Write what is missing or out of date below `folder`; return the names of the files written.

    Files are for their owner alone, or `readable` by every user: for volumes of which each service is
    given only its own. Raises OSError when the folder cannot be written.
    """
    wanted = {where: _drawn(folder / where) for where in SOURCES.values()}
    passwords = {name: wanted[where] for name, where in SOURCES.items()}
    wanted |= derived(passwords, addresses)
    return [where for where, text in wanted.items() if _write(folder / where, text, readable)]


def derived(passwords: dict[str, str], addresses: Addresses) -> dict[str, str]:
    """The files that are made from passwords, by their place in the folder."""
    redis_url = f"redis://:{passwords['redis']}@{addresses.redis}/0"
    user = f"twirl:{passwords['database']}"
    keys = f'  api_key: "{passwords["qdrant"]}"\n  read_only_api_key: "{passwords["qdrant_reader"]}"\n'
    return {
        "twirl/database_url": f"postgresql+psycopg://{user}@{addresses.postgres}/{addresses.database}",
        "twirl/redis_url": redis_url,
        "exporter/redis_url": redis_url,
        "redis/redis.conf": f"requirepass {passwords['redis']}\n",
        "qdrant/config.yaml": f"service:\n{keys}",
        "prometheus/ops_token": passwords["ops"],
    }


def _drawn(path: Path) -> str:
    """The password in this file, or a new one."""
    return path.read_text().strip() if path.exists() else secrets.token_urlsafe(BITS // 8)


def _write(path: Path, text: str, readable: bool) -> bool:
    if path.exists() and path.read_text() == text:
        return False
    path.parent.mkdir(mode=0o755 if readable else 0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.fresh")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.chmod(0o444 if readable else 0o400)
    fresh.replace(path)
    return True
