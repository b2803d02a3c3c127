"""What later rows need of earlier ones, kept in a temporary file: memory does not grow with the feed."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Parent:
    """A product that its variations refer to: its cells, and the pictures that its variations call theirs."""

    cells: dict[str, Any]
    claimed: frozenset[str] = field(default_factory=frozenset)
    variations: int = 0


class Parents:
    """Parents by any of the names that variations use for them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._rows = connection
        self._rows.execute("CREATE TABLE product (key INTEGER PRIMARY KEY, cells TEXT)")
        self._rows.execute("CREATE TABLE parent (name TEXT PRIMARY KEY, key INTEGER)")
        self._rows.execute("CREATE INDEX of_product ON parent (key)")
        self._rows.execute("CREATE TABLE variation (parent TEXT, image TEXT)")
        self._rows.execute("CREATE INDEX of_parent ON variation (parent)")

    def put(self, names: list[str], cells: dict[str, Any]) -> None:
        """Keep a product's cells under its names; the first of two products with one name counts."""
        key = self._rows.execute("INSERT INTO product (cells) VALUES (?)", (json.dumps(cells),)).lastrowid
        named = [(name, key) for name in names]
        self._rows.executemany("INSERT OR IGNORE INTO parent VALUES (?, ?)", named)

    def note(self, parent: str, image: str) -> None:
        """Note a variation of `parent`, and the picture that it calls its own ("" for none)."""
        self._rows.execute("INSERT INTO variation VALUES (?, ?)", (parent, image))

    def find(self, name: str) -> Parent | None:
        """Return the product that goes by this name, with what names it in any way."""
        by_name = "SELECT key, cells FROM product JOIN parent USING (key) WHERE name = ?"
        found = self._rows.execute(by_name, (name,)).fetchone()
        if found is None:
            return None
        of_it = "SELECT image FROM variation JOIN parent ON parent.name = variation.parent WHERE key = ?"
        images = [image for (image,) in self._rows.execute(of_it, found[:1])]
        return Parent(json.loads(found[1]), frozenset(filter(None, images)), len(images))


@contextmanager
def opened_parents() -> Iterator[Parents]:
    """Give an empty store, in a file that goes with it."""
    connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)  # "": a temporary file
    try:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")  # one transaction: nothing of it is to last
        yield Parents(connection)
    finally:
        connection.close()
