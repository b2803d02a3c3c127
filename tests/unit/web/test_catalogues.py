"""Nothing that a shopper reads stands in the sources untranslated, and every catalogue says all of it."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from settings.shapes import LANGUAGES
from web import catalogues, language
from web.catalogues import DOMAINS, HOME

READ_OUT = ("alt", "aria-label", "placeholder", "title", "aria-valuetext")
SHOP = sorted(
    path for path in (HOME / "templates").glob("*.html") if not path.name.startswith(("ops", "_ops"))
)
SCRIPTS = sorted(path for path in (HOME / "static").glob("*.js") if not path.name.startswith("ops"))


class Literal(HTMLParser):
    """The words of a template that are no expressions: texts, and attributes that are read out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self._keep(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in READ_OUT:
                self._keep(value or "")

    def _keep(self, text: str) -> None:
        if re.search(r"[^\W\d_]{2}", text):
            self.found.append(text.strip())


@pytest.mark.parametrize("path", SHOP, ids=lambda path: path.name)
def test_templates_have_no_words_of_their_own(path: Path) -> None:
    """What is written by an expression is the affair of tests/integration/test_language.py."""
    plain = re.sub(r"\{% block body_class %\}.*?\{% endblock %\}", "", path.read_text())
    literal = Literal()
    literal.feed(re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", plain, flags=re.DOTALL))
    literal.close()
    assert literal.found == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_say_only_what_is_translated(path: Path) -> None:
    """What is announced, shown as a problem, or set as a text comes out of `say` or from the server."""
    said = re.findall(r'(?:announce|showProblem)\(\s*(["`][^"`]+|\w+ \?\? ["`])', path.read_text())
    said += re.findall(r'(?:textContent|alt|title|placeholder) = (["`][^"`]+)', path.read_text())
    assert said == []


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("code", catalogues.languages())
def test_every_language_says_everything(code: str, domain: str) -> None:
    assert list(catalogues.faults(code, domain)) == []


def test_faults_are_found() -> None:
    """The check above could fail: an empty catalogue lacks every sentence."""
    missing = [each for each in catalogues.faults("fr", "messages") if each.startswith("missing: ")]
    assert len(missing) > 150
    assert "missing: Show us a piece you love." in missing


def test_the_setting_knows_the_languages() -> None:
    assert set(LANGUAGES) == {language.SOURCE, *catalogues.languages()}


def test_compiled_catalogues_translate_and_count() -> None:
    said, scripts = language.folder()["de"]
    assert said.gettext("In stock") == "Auf Lager"
    assert said.ngettext("%(count)s piece", "%(count)s pieces", 1) == "%(count)s Stück"
    assert said.ngettext("%(count)s piece", "%(count)s pieces", 2) == "%(count)s Stücke"
    assert scripts["Searching"] == "Suche läuft"
