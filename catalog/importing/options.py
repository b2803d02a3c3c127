"""What is asked of an import besides its file, as a request keeps it in SQL."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog.importing.removing import Removal


@dataclass(frozen=True)
class Options:
    """`only_failed_of`: the job whose refused rows alone are read again. `even_edited`: of an undo.

    `check_pictures`: have the hosts of its pictures asked whether they are others by now.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    removal: Removal = Removal.NONE
    check_pictures: bool = False
    only_failed_of: int | None = None
    undo_of: int | None = None
    even_edited: bool = False

    def as_json(self) -> dict[str, Any]:
        """As `ImportRequest.options` holds it."""
        said = vars(self) | {"mapping": dict(self.mapping), "removal": self.removal.value}
        return {name: value for name, value in said.items() if value not in (None, False, {}, "none")}

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Options":
        """From what a request holds."""
        return cls(
            mapping=dict(said.get("mapping", {})),
            removal=Removal(said.get("removal", "none")),
            check_pictures=bool(said.get("check_pictures", False)),
            only_failed_of=said.get("only_failed_of"),
            undo_of=said.get("undo_of"),
            even_edited=bool(said.get("even_edited", False)),
        )
