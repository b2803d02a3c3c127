"""How figures are written for people: short, and without a clock to look at beside."""

from datetime import UTC, datetime

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def age(seconds: float | None) -> str:
    """A span as one would say it: "40 s", "3 min", "2 h 5 min"."""
    if seconds is None:
        return "unknown"
    whole = round(seconds)
    for at, (size, unit) in enumerate(_UNITS):
        if whole >= size:
            parts = [f"{whole // size} {unit}"]
            if at + 1 < len(_UNITS) and whole // size < 10:
                smaller, name = _UNITS[at + 1]
                rest = whole % size // smaller
                parts += [f"{rest} {name}"] if rest else []
            return " ".join(parts)
    return f"{whole} s"


def number(value: float | None) -> str:
    """A number with its thousands apart, and no more digits than it is worth."""
    if value is None:
        return "–"
    if value == int(value) or abs(value) >= 100:
        return f"{round(value):,}".replace(",", "\u202f")
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2g}"


def duration(seconds: float | None) -> str:
    """A short time: "3.2 ms", "1.4 s"."""
    if seconds is None:
        return "–"
    return f"{number(seconds)} s" if seconds >= 1 else f"{number(seconds * 1000)} ms"


def since(at: datetime | None, now: datetime | None = None) -> str:
    """How long ago it was."""
    if at is None:
        return "–"
    return f"{age(((now or datetime.now(UTC)) - at).total_seconds())} ago"
