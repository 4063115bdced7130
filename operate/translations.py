"""The catalogue of Korean texts: `python -m operate.translations` brings it up to the source.

It collects what `_()` marks, the help of the owner's commands and the words of rules, adds what
the catalogue lacks, drops what nobody says any more, and compiles it. The compiled file is kept in
git: an editable install, the image and a Lambda bundle have nothing that would build it.
"""

from __future__ import annotations

import io
import sys

import typer
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from naverplace.base.translation import DOMAIN, LOCALE
from naverplace.cli.app import app
from naverplace.cli.translated_help import help_texts
from naverplace.rules.actions import ACTIONS
from naverplace.rules.catalogue import described
from naverplace.rules.conditions import CONDITIONS
from naverplace.rules.json_schema import explanations

PO = LOCALE / "ko/LC_MESSAGES" / f"{DOMAIN}.po"
MO = PO.with_suffix(".mo")
SOURCE = LOCALE.parent
KEYWORDS = {"_": None, "N_": None, "gettext_noop": None, "ngettext": (1, 2)}
PANELS = ("Arguments", "Options", "Commands")


def extract() -> Catalog:
    """Collect every text that has two languages."""
    found = Catalog(locale="ko", domain=DOMAIN)
    for file, _line, text, _comments, _context in extract_from_dir(SOURCE, keywords=KEYWORDS):
        found.add(text, locations=[(f"naverplace/{file}", 0)])
    words = {described(f)[0] for registry in (CONDITIONS, ACTIONS) for f in registry.values()}
    words |= explanations()
    for text in sorted({*words, *help_texts(typer.main.get_command(app)), *PANELS}):
        found.add(text)
    return found


def read_catalogue() -> Catalog:
    """Read the catalogue as it stands."""
    with PO.open("rb") as file:
        return read_po(file, locale="ko", domain=DOMAIN)


def compiled(catalogue: Catalog) -> bytes:
    """Compile a catalogue for gettext."""
    into = io.BytesIO()
    write_mo(into, catalogue)
    return into.getvalue()


def main() -> int:
    """Bring the catalogue up to the source; 1 when texts are left to translate."""
    known, wanted = read_catalogue(), extract()
    made = Catalog(locale="ko", domain=DOMAIN, fuzzy=False, charset="utf-8")
    made.mime_headers = [(n, v) for n, v in known.mime_headers if not n.startswith("POT")]
    for message in wanted:
        if message.id:
            before = known.get(message.id)
            made.add(message.id, before.string if before else "", locations=message.locations)
    with PO.open("wb") as file:
        write_po(file, made, width=100, sort_output=True, include_lineno=False, omit_header=False)
    MO.write_bytes(compiled(read_catalogue()))
    left = [m.id for m in made if m.id and not (m.string and all(m.string))]
    for text in left:
        sys.stdout.write(f"to translate: {text!r}\n")
    return bool(left)


if __name__ == "__main__":
    sys.exit(main())
