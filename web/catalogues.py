"""Every sentence of the shop's pages, read from the sources, and the translators' catalogues kept whole.

python -m web.catalogues            # puts new sentences into locale/*/LC_MESSAGES/*.po, takes old ones out
python -m web.catalogues --check    # says what is missing, stale or untranslated, and ends with 1
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.checkers import python_format
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from web.language import LOCALES, po_path

HOME = Path(__file__).parent
KEYWORDS: dict[str, object] = {"say": None, "noted": None, "say_many": (1, 2)}
OTHERS = ("console", "ops")  # rooms that speak English only
_WORDS = '"./words.js"'  # where a script has its `say` from
_SINCE = datetime(2026, 11, 29, tzinfo=UTC)
_READ = {
    "messages": (("*.py", "python"), ("*.html", "jinja2")),
    "scripts": (("*.js", "javascript"),),
}
DOMAINS = tuple(_READ)


def extracted(domain: str) -> Catalog:
    """What the sources of a domain say, each sentence with the files that say it."""
    found = Catalog(project="twirl", fuzzy=False)
    for path, method in _sources(domain):
        name = path.relative_to(HOME).as_posix()
        said = extract_from_file(method, path, keywords=KEYWORDS, options={"encoding": "utf-8"})  # type: ignore[arg-type]
        for _line, message, _comments, _context in said:
            found.add(message, locations=[(name, 0)], flags=())
    return found


def _sources(domain: str) -> Iterator[tuple[Path, str]]:
    for pattern, method in _READ[domain]:
        for path in sorted(HOME.rglob(pattern)):
            parts = path.relative_to(HOME).parts
            if any(each in OTHERS or each.startswith("ops") for each in parts):
                continue
            if method != "javascript" or _WORDS in path.read_text():
                yield path, method


def languages() -> list[str]:
    """Those that there is a folder for."""
    return sorted(path.name for path in LOCALES.iterdir() if path.is_dir())


def faults(language: str, domain: str) -> Iterator[str]:
    """What keeps a catalogue from saying all that the sources say."""
    kept, wanted = _read(language, domain), extracted(domain)
    ids = {each.id for each in kept if each.id}
    yield from (f"missing: {_one(each)}" for each in wanted if each.id and each.id not in ids)
    for each in kept:
        if not each.id:
            continue
        if each.id not in {said.id for said in wanted}:
            yield f"no longer said: {_one(each)}"
        elif each.fuzzy or not _whole(each):
            yield f"not translated: {_one(each)}"
        else:
            yield from _misplaced(kept, each)


def _misplaced(kept: Catalog, message: Message) -> Iterator[str]:
    message.flags.add("python-format")  # all are, where they have places to fill
    try:
        python_format(kept, message)
    except Exception as error:
        yield f"{error}: {_one(message)}"


def _whole(message: Message) -> bool:
    return all(message.string) if isinstance(message.string, (tuple, list)) else bool(message.string)


def _one(message: Message) -> str:
    return message.id[0] if isinstance(message.id, (tuple, list)) else str(message.id)


def _read(language: str, domain: str) -> Catalog:
    path = po_path(language, domain)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def update(language: str, domain: str) -> None:
    """Bring one catalogue up to what the sources say; translations are kept."""
    kept = _read(language, domain)
    kept.update(extracted(domain), no_fuzzy_matching=True)
    kept.obsolete.clear()
    kept.creation_date = kept.revision_date = _SINCE  # or each run would change every file
    kept.project, kept.version, kept.msgid_bugs_address = "Twirl", "1", "the project's issues"
    kept.last_translator = kept.language_team = "The Twirl authors"
    kept.header_comment = "# Keep this whole with: python -m web.catalogues"
    written = BytesIO()
    write_po(written, kept, width=110, omit_header=False, sort_output=True, include_lineno=False)
    path = po_path(language, domain)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(written.getvalue())


def main(words: list[str]) -> int:
    """Update every catalogue, or check it; the number of faults ends as the exit status."""
    wrong = 0
    for language in languages():
        for domain in DOMAINS:
            if "--check" not in words:
                update(language, domain)
            for fault in faults(language, domain):
                wrong += 1
                sys.stdout.write(f"{po_path(language, domain)}: {fault}\n")
    return min(wrong, 1)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
