"""Reads docker-compose.yml as Compose does: merge keys, and variables with their defaults."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"
_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?::-(?P<default>[^}]*)|:\?(?P<need>[^}]*))?\})")


def interpolated(value: Any, variables: dict[str, str]) -> Any:
    """The value with `${NAME:-default}` replaced and `$$` read as `$`, in every string of it.

    Raises KeyError for a `${NAME:?reason}` that has no value.
    """
    if isinstance(value, dict):
        return {key: interpolated(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [interpolated(each, variables) for each in value]
    return _VARIABLE.sub(lambda found: _value(found, variables), value) if isinstance(value, str) else value


def _value(found: re.Match[str], variables: dict[str, str]) -> str:
    if found.group() == "$$":
        return "$"
    given = variables.get(found["name"], "")
    if not given and found["need"] is not None:
        raise KeyError(f"{found['name']}: {found['need']}")
    return given or found["default"] or ""


def load(path: Path = COMPOSE, **variables: str) -> dict[str, Any]:
    """The file with its merge keys and these variables put in."""
    return dict(interpolated(yaml.safe_load(path.read_text()), variables))


def services(path: Path = COMPOSE, **variables: str) -> dict[str, dict[str, Any]]:
    """Its services by name."""
    return dict(load(path, **variables)["services"])


def is_ours(service: dict[str, Any]) -> bool:
    """Whether a service runs Twirl's own image."""
    return str(service["image"]).startswith("twirl:")


def is_once(service: dict[str, Any]) -> bool:
    """Whether a service does its work and ends."""
    return str(service.get("restart")) == "no"
