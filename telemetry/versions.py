"""Which versions of which parts are running."""

from importlib.metadata import PackageNotFoundError, version

PARTS = ("twirl", "sqlalchemy", "flask", "gunicorn", "celery", "redis", "psycopg", "torch")


def versions() -> dict[str, str]:
    """{part: version} of what is installed."""
    return {part: found for part in PARTS if (found := _version(part))}


def _version(distribution: str) -> str:
    """Its version; "" where it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
