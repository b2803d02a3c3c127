"""Cells that a spreadsheet would run as formulas, made harmless; and the columns that say what is wrong."""

from collections.abc import Sequence

SAID = ("twirl_row", "twirl_column", "twirl_code", "twirl_message")  # the last columns of a file of errors
_STARTS = ("=", "+", "-", "@", "\t", "\r")


def escaped(cell: str) -> str:
    """Return a cell that begins with an apostrophe where a spreadsheet would calculate it (CWE-1236)."""
    return f"'{cell}" if cell.startswith((*_STARTS, "'")) else cell


def inert(sentence: str) -> str:
    """The same for a sentence of ours, which no import reads: one that begins with a quotation stays so."""
    return f"'{sentence}" if sentence.startswith(_STARTS) else sentence


def unescaped(cell: str) -> str:
    """Take off what `escaped` put there."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith((*_STARTS, "'")) else cell


def is_ours(header: Sequence[str]) -> bool:
    """Say whether a table's header is that of a file of errors."""
    return SAID[2] in header
