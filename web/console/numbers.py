"""Numbers of rows, as addresses and forms give them: none is larger than the database keeps one."""

from werkzeug.routing import IntegerConverter, ValidationError

LARGEST = 2**31 - 1  # of a row's number, in either database


class RowNumber(IntegerConverter):
    """`<int:...>` of an address. A number that no row can have leads nowhere (404)."""

    regex = rf"\d{{1,{len(str(LARGEST))}}}"

    def to_python(self, value: str) -> int:
        """The number. Raises ValidationError for one that no row can have."""
        found = int(value)
        if found > LARGEST:
            raise ValidationError
        return found


def number(text: str) -> int | None:
    """The number that was asked for; None for what no row can have."""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST))):
        return None
    return found if (found := int(text)) <= LARGEST else None
