"""What a setting is: declared as the field of a dataclass, read from text, described.

Which settings there are is said in `serving` and `working`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import Field, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_type_hints


class SettingError(ValueError):
    """A setting that cannot be used; the message names the variable and the fix."""


def setting(
    default: Any, doc: str, *, low: float | None = None, high: float | None = None, secret: bool = False
) -> Any:
    """Declare one setting: its default, what it is for, the least and the greatest value it may take."""
    return field(default=default, metadata={"doc": doc, "low": low, "high": high, "secret": secret})


def variable(name: str) -> str:
    """The environment variable of a field."""
    return f"TWIRL_{name.upper()}"


def every_setting(settings: type[Any]) -> Iterator[tuple[type[Any], "Field[Any]"]]:
    """Each group of a settings class with each of its fields, in the order they are documented."""
    for group in fields(settings):
        cls = get_type_hints(settings)[group.name]
        for each in fields(cls):
            yield cls, each


def read(settings: type[Any], env: Mapping[str, str]) -> dict[str, Any]:
    """{group: its values} as the environment has them; what it leaves out keeps its default.

    Raises SettingError naming the variable when a value cannot be used, and for a TWIRL_ variable that
    is not a setting, with the nearest name: a typing mistake must not go unnoticed.
    """
    _refuse_unknown(settings, env)
    groups: dict[str, Any] = {}
    for group in fields(settings):
        cls = get_type_hints(settings)[group.name]
        hints = get_type_hints(cls)
        given = {f.name: _value(f, hints[f.name], env) for f in fields(cls) if _given(f.name, env)}
        groups[group.name] = cls(**given)
    return groups


def _given(name: str, env: Mapping[str, str]) -> bool:
    return variable(name) in env or f"{variable(name)}_FILE" in env


def _value(each: "Field[Any]", kind: type, env: Mapping[str, str]) -> Any:
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


def _refuse_unknown(settings: type[Any], env: Mapping[str, str]) -> None:
    known = {variable(each.name) for _, each in every_setting(settings)}
    for name in env:
        if name.startswith("TWIRL_") and name.removesuffix("_FILE") not in known:
            near = get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else " `twirl settings` lists them."
            raise SettingError(f"{name} is not a setting of Twirl.{hint}")


def as_rows(settings: Any) -> Iterator[tuple[str, str, str, str]]:
    """(group, variable, value in force, meaning) of each setting; secrets are masked."""
    for group in fields(settings):
        values = getattr(settings, group.name)
        for each in fields(values):
            value = getattr(values, each.name)
            shown = "********" if each.metadata["secret"] and value else str(value)
            yield group.name, variable(each.name), shown, each.metadata["doc"]


def secrets(settings: Any) -> list[str]:
    """The values that no log may show."""
    groups = [getattr(settings, group.name) for group in fields(settings)]
    return [
        getattr(group, each.name)
        for group in groups
        for each in fields(group)
        if each.metadata["secret"] and getattr(group, each.name)
    ]


def as_markdown(settings: type[Any], home: Path) -> str:
    """The page docs/settings.md; paths under `home` are shown as seen from there."""
    lines = [
        "# Settings",
        "",
        "Each is an environment variable. A value that cannot be used stops the program at start and names",
        "the variable. `twirl settings` prints the values in force. Any can be read from a file instead: put",
        "`_FILE` behind the name of the variable. This page is made by `twirl settings --markdown`.",
    ]
    previous = None
    for cls, each in every_setting(settings):
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
        if isinstance(default, Path) and default.is_relative_to(home):
            default = default.relative_to(home)
        shown = f"`{default}`" if str(default) else "empty"
        lines.append(f"| `{variable(each.name)}` | {shown} | {each.metadata['doc']} |")
    return "\n".join(lines) + "\n"
