"""Which secrets cannot be told from other words of a text, so that hiding them is not certain."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import BaseModel, SecretStr

from naverplace.base.translation import gettext as _
from naverplace.base.translation import gettext_noop as N_
from naverplace.redaction.encodings import SHORTEST

_YEAR = re.compile(r"(?:19|20)\d\d")
_DIGITS = "01234567890123456789"
ADVICE = N_("choose a code of four characters or more that is no year and no usual number")


def weakness_of(code: str) -> str:
    """Say why a code is mistaken for other words, or other words for it; '' when it is not."""
    code = code.strip()
    if len(code) < SHORTEST:
        words = _("has fewer than {least} characters, and cannot be hidden where it turns up")
        return words.format(least=SHORTEST)
    if _YEAR.fullmatch(code):
        return _("reads like a year, and is hidden only where it is no part of a date")
    if code.isdigit() and (
        len(set(code)) == 1 or code in _DIGITS or code[::-1] in _DIGITS or code.endswith("000")
    ):
        return _("is a usual number, and may be hidden where it is a count")
    return ""


def weak_secrets(value: object, place: str = "") -> Iterator[str]:
    """List every weak secret of a settings tree by its name, never by its value."""
    if isinstance(value, SecretStr):
        if why := weakness_of(value.get_secret_value()):
            yield f"{place} {why}"
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from weak_secrets(getattr(value, name), f"{place}.{name}".lstrip("."))
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from weak_secrets(part, f"{place}.{name}")
