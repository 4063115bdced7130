"""Korean dates in words, and what of a text a text message can carry.

What takes one or two bytes in EUC-KR is sendable, not 뷁 (outside-services: SENS bytes).
"""

from __future__ import annotations

import unicodedata
from datetime import datetime
from functools import lru_cache

WEEKDAYS = "월화수목금토일"
UNKNOWN_LETTER = "○"  # what Koreans write for a letter that is not shown


def day_words(moment: datetime) -> str:
    """Write a day as 10월 22일(수), whatever the machine's locale."""
    return f"{moment.month}월 {moment.day}일({WEEKDAYS[moment.weekday()]})"


def time_words(moment: datetime) -> str:
    """Write a time of day as 오후 3:00."""
    half = "오전" if moment.hour < 12 else "오후"
    return f"{half} {moment.hour % 12 or 12}:{moment.minute:02}"


def moment_words(moment: datetime) -> str:
    """Write a moment as 10월 22일(수) 오후 3:00."""
    return f"{day_words(moment)} {time_words(moment)}"


@lru_cache(maxsize=4096)
def _bytes_of(sign: str) -> int:
    try:
        return len(sign.encode("euc_kr"))
    except UnicodeEncodeError:
        return 0


def unsendable(text: str) -> list[str]:
    """List the signs that a text message cannot carry, each once."""
    return [sign for sign in dict.fromkeys(text) if not 1 <= _bytes_of(sign) <= 2]


def size(text: str) -> int:
    """Count the bytes of a sendable text as SENS counts them."""
    return sum(map(_bytes_of, text))


@lru_cache(maxsize=4096)
def to_euc_kr(text: str) -> str:
    """Write a customer's words in one line of signs that a text message can carry.

    Loose letters are put together (an iPhone's 가 may be two), emoji and other symbols are left
    out, and a letter that EUC-KR lacks becomes ○.
    """
    one_line = " ".join(unicodedata.normalize("NFC", text).split())
    kept = "".join(_carried(sign) for sign in one_line)
    return " ".join(kept.split())


def _carried(sign: str) -> str:
    if unicodedata.category(sign) == "Cc":
        return ""
    if 1 <= _bytes_of(sign) <= 2:
        return sign
    return UNKNOWN_LETTER if unicodedata.category(sign)[0] in "LN" else ""


def name_signs(sign: str) -> str:
    """Name a sign for whoever must find it: '⬇' (U+2B07)."""
    return f"{sign!r} (U+{ord(sign):04X})"
