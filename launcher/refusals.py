"""What an operator reads when a command cannot go on: the cause and its fix, never a traceback."""

import errno
from typing import NamedTuple

from alembic.util import CommandError
from sqlalchemy.exc import ArgumentError, DatabaseError, InterfaceError, NoSuchModuleError

from launcher.preflight import StartRefused
from searcher.errors import SearchUnavailable
from settings import SettingError
from vectors.protocol import VectorStoreError

_DISK_FULL = "free some disk, then run it again: it goes on from there"
_OF_THE_DISK = {
    errno.ENOSPC: _DISK_FULL,
    errno.EDQUOT: _DISK_FULL,
    errno.EROFS: "make the disk writable, or name another folder: TWIRL_DATA=/path/to/folder",
    errno.EACCES: "make it yours, or name another folder: TWIRL_DATA=/path/to/folder",
    errno.EPERM: "make it yours, or name another folder: TWIRL_DATA=/path/to/folder",
    errno.EMFILE: "raise the limit of open files: ulimit -n 4096",
}
_CONNECTIONS = "raise max_connections, or lower TWIRL_DB_POOL_SIZE and TWIRL_DB_POOL_OVERFLOW"


class _Sign(NamedTuple):
    """Words of PostgreSQL's by which a fault is known: what mends it, and whether only a person can."""

    words: str
    fix: str
    for_good: bool = False


_OF_POSTGRES = (  # the first that fits
    _Sign(
        "authentication failed",
        "write the role's password into TWIRL_DATABASE_URL, or give the role the one that stands there: "
        "ALTER ROLE twirl PASSWORD '...'",
        for_good=True,
    ),
    _Sign(
        "no pg_hba.conf entry",
        "let the role in from this machine: a line for it in the server's pg_hba.conf",
        for_good=True,
    ),
    _Sign(
        "role ",
        "make it: CREATE ROLE twirl LOGIN PASSWORD '...', or name another in TWIRL_DATABASE_URL",
        for_good=True,
    ),
    _Sign(
        "does not exist",
        "make it: CREATE DATABASE twirl OWNER twirl, or name another in TWIRL_DATABASE_URL",
        for_good=True,
    ),
    _Sign("resolve host", "correct the host's name in TWIRL_DATABASE_URL", for_good=True),
    _Sign("connection slots", _CONNECTIONS),
    _Sign("too many clients", _CONNECTIONS),
    _Sign("statement timeout", "look what keeps the server busy, or raise TWIRL_DB_STATEMENT_TIMEOUT_MS"),
    _Sign("lock timeout", "another session holds the rows; run it again, or raise TWIRL_DB_LOCK_TIMEOUT_MS"),
)
_OF_SERVERS = {"billiard", "celery", "kombu", "psycopg", "qdrant_client", "redis"}


def explain(error: Exception) -> str | None:
    """Return the cause and the fix of a failure that is not a fault of the program's; else None."""
    if isinstance(error, StartRefused | SettingError):
        return str(error)
    if isinstance(error, SearchUnavailable) and isinstance(error.__cause__, VectorStoreError):
        return explain(error.__cause__)  # its own fix is a shopper's: to try again
    if hasattr(error, "fix"):
        return f"{getattr(error, 'message', error)}\n  Fix: {error.fix}"
    if isinstance(error, ArgumentError | NoSuchModuleError):
        return _with_fix(
            "The address of the database cannot be read.",
            "write it as TWIRL_DATABASE_URL=postgresql+psycopg://user:password@host/name",
        )
    if isinstance(error, DatabaseError | InterfaceError):
        return _of_the_database(str(error.orig).strip().split("\n")[0])
    if isinstance(error, CommandError):
        return _with_fix(
            f"The tables of the database are not of this version of Twirl ({error}).",
            "run the version that made them, or a newer one",
        )
    if isinstance(error, ModuleNotFoundError) and error.name in _OF_SERVERS:
        return _with_fix(
            f"The package {error.name} is not installed; the deployed shape needs it.",
            "pip install 'twirl[deployed]'",
        )
    if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
        place = f": {error.filename}" if error.filename else ""
        return _with_fix(f"{error.strerror}{place}.", _OF_THE_DISK[error.errno])
    return None


def passes(error: Exception) -> bool:
    """Whether a fault of the database may be over in a moment, as when it restarts."""
    sign = _sign_in(str(error))
    return sign is None or not sign.for_good


def _sign_in(said: str) -> _Sign | None:
    return next((sign for sign in _OF_POSTGRES if sign.words in said), None)


def _of_the_database(said: str) -> str:
    fix = "check that it runs, and TWIRL_DATABASE_URL"
    if "disk is full" in said or "No space left" in said:
        fix = _DISK_FULL
    elif "not a database" in said or "malformed" in said:
        fix = "restore the file from a backup, or move it away: the next import fills a new one"
    elif "readonly" in said or "unable to open" in said:
        fix = "make the data folder writable, or name another one: TWIRL_DATA=/path/to/folder"
    elif "locked" in said:
        fix = "another Twirl is writing; wait a moment and run it again"
    elif sign := _sign_in(said):
        fix = sign.fix
    return _with_fix(f"The database cannot be used: {said}.", fix)


def _with_fix(message: str, fix: str) -> str:
    return f"{message}\n  Fix: {fix}"
