"""A service's own words in our errors, without what is private."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NUMBER = re.compile(r"\+?\d[\d -]{2,}\d")  # four digits may be a door code
_LONGEST = 200
_QUOTE = 6  # characters in a row that count as a quotation


def safe_quote(words: str, *, private: Sequence[str] = ()) -> str:
    """Shorten a service's words to one line, without numbers, and without what quotes us."""
    line = " ".join(words.split())[:_LONGEST]
    if any(_quotes(line, text) for text in private):
        return "(words withheld: they quote the message)"
    return _NUMBER.sub("[number]", line)


def _quotes(line: str, text: str) -> bool:
    """Tell whether the line holds six characters in a row of the text, or a shorter one whole."""
    text = " ".join(text.split())
    if any(sign.isdigit() for sign in text) and text.replace("-", "").isdigit():
        return False  # a number: masked as such
    if len(text) <= _QUOTE:
        return len(text) > 1 and text in line
    return any(text[i : i + _QUOTE] in line for i in range(len(text) - _QUOTE + 1))
