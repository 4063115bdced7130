"""Words that people read, by gettext: `_("unknown key {key!r}").format(key=key)`.

Korean for the owner, English for engineers: NAVERPLACE_LANGUAGE says which, else the locale.
"""

from __future__ import annotations

import gettext as catalogues
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

LOCALE = Path(__file__).parents[1] / "locale"
DOMAIN = "naverplace"
_SAID_BY = ("NAVERPLACE_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set
_current: dict[str, catalogues.NullTranslations] = {}  # the one that is spoken


def language_of(variables: Mapping[str, str]) -> str:
    """Choose the language, ko or en, by the variables of an environment."""
    said = next((value for name in _SAID_BY if (value := variables.get(name))), "")
    return "ko" if said.lower().startswith("ko") else "en"


def use_language(language: str) -> None:
    """Let this process speak ko or en from now on."""
    catalogue = _catalogue(language)
    _current.clear()
    _current[language] = catalogue


@cache
def _catalogue(language: str) -> catalogues.NullTranslations:
    return catalogues.translation(DOMAIN, LOCALE, [language], fallback=True)


def current_language() -> str:
    """Tell which language this process speaks."""
    return next(iter(_current))


def gettext(text: str) -> str:
    """Give a text in the reader's language; its variables are filled in after that."""
    return _current[current_language()].gettext(text) if text else ""


def gettext_noop(text: str) -> str:
    """Mark a text that is translated later, where it is used."""
    return text


def in_both(text: str, between: str = "\n\n") -> str:
    """Give a text in Korean and English, for a file that owner and engineer read."""
    korean = _catalogue("ko").gettext(text) if text else ""
    return text if korean == text else f"{korean}{between}{text}"


def ngettext(one: str, many: str, count: int) -> str:
    """Give the text for one, or that for another count."""
    return _current[current_language()].ngettext(one, many, count)


use_language(language_of(os.environ))
