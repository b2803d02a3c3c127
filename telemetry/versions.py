"""Which versions of which parts are running."""

from importlib.metadata import PackageNotFoundError, version

PARTS = ("sqlalchemy", "flask", "gunicorn", "celery", "redis", "psycopg", "torch")
ENGINES = {"edge": "qdrant-edge-py", "server": "qdrant-client"}


def versions(engine: str) -> dict[str, str]:
    """{part: version} of what is installed; the vector engine's (edge, server) is of our side of it."""
    known = {"twirl": _version("twirl"), "engine": f"{engine} {_version(ENGINES[engine])}"}
    return known | {part: found for part in PARTS if (found := _version(part))}


def _version(distribution: str) -> str:
    """Its version; "" where it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
