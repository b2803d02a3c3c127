"""A language that nobody speaks: every sentence in brackets, so that what is not translated is seen."""

from babel.support import NullTranslations

OPEN, CLOSE = "⟦", "⟧"
LANGUAGE = "ar"  # written from right to left
Catalogues = dict[str, tuple[NullTranslations, dict[str, str]]]


class Pseudo(NullTranslations):
    """Each message in brackets, and a third longer."""

    def gettext(self, message: str) -> str:
        """In brackets."""
        return f"{OPEN}{message}{'~' * (len(message) // 3)}{CLOSE}"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """In brackets."""
        return self.gettext(msgid1 if n == 1 else msgid2)

    ugettext, ungettext = gettext, ngettext


def catalogues() -> Catalogues:
    """For `language.install`."""
    return {LANGUAGE: (Pseudo(), {"Searching": f"{OPEN}Searching{CLOSE}"})}


def outside(text: str) -> str:
    """What of a text is in no brackets."""
    depth, kept = 0, ""
    for sign in text:
        depth += sign == OPEN
        kept += sign if not depth else ""
        depth -= sign == CLOSE
    return kept
