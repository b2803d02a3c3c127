"""A row of a feed before it is checked: what its cells hold, and where in the file it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog.feeds.values import as_text, clean
from catalog.records import RowFault


@dataclass(frozen=True)
class Row:
    """One record: normalised column names and what they hold; a repeatable column holds a list.

    Where a vendor's rows were turned into ours, `called` says what the feed calls our columns, and `raw`
    holds the feed's own cells.
    """

    number: int  # as a spreadsheet shows it: the header is row 1
    cells: Mapping[str, Any] = field(default_factory=dict)
    called: Mapping[str, str] = field(default_factory=dict)
    raw: Mapping[str, Any] | None = None

    def text(self, *names: str) -> str:
        """Return the clean text of the first of these columns that says something, or ""."""
        for name in names:
            if text := clean(as_text(self.cells.get(name) or "")):
                return text
        return ""

    def fault(self, column: str, code: str, message: str) -> RowFault:
        """Say what is wrong with one cell ("" for the row); `column` is named as the feed names it."""
        return RowFault(self.number, self.called.get(column, column), code, message, self.shortened())

    def shortened(self) -> dict[str, Any]:
        """Return the feed's own cells as they are kept beside a fault."""
        return shortened(self.cells if self.raw is None else self.raw)


def shortened(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as it is kept beside its fault: at most 60 columns of 500 characters."""
    said = [(name, value) for name, value in cells.items() if value not in ("", None)]
    return {clean(name)[:100]: clean(as_text(value)[:500]) for name, value in said[:60]}
