"""Korean dates in words, and what of a text a text message can carry.

What takes one or two bytes in EUC-KR is sendable, not 뷁 (outside-services: SENS bytes).
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from functools import lru_cache

WEEKDAYS = "월화수목금토일"
REMEMBERED = 200  # signs of a text that is written once
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


def compose(text: str) -> str:
    """Put loose letters together (NFC): a Mac and an iPhone may write 가 as two."""
    return unicodedata.normalize("NFC", text)


def to_euc_kr(text: str) -> str:
    """Write a customer's words in one line of signs that a text message can carry.

    A sendable line stays itself. Signs that look alike are folded, emoji and other symbols are
    left out, and a letter that EUC-KR lacks becomes ○. Digits that did not stand side by side
    never do: `1–2인` becomes `1-2인`, `1🙂2` becomes `1 2`.
    """
    # A long text is not kept: thousands of them would fill the memory.
    return _remembered(text) if len(text) <= REMEMBERED else _in_euc_kr(text)


def _in_euc_kr(text: str) -> str:
    line = " ".join(text.split())
    if line.isprintable() and not unsendable(line):
        return line
    written, last, gap = "", "", False
    for sign in compose(line):
        piece = _carried(sign)
        if piece:
            joins = written[-1:].isdecimal() and piece[0].isdecimal()
            if joins and (gap or not (last.isdecimal() and sign.isdecimal())):
                written += " "
            written += piece
            last = sign
        gap = not piece
    return " ".join(written.split())


_remembered = lru_cache(maxsize=4096)(_in_euc_kr)


# What neither its category nor NFKC tells; on the right only signs that EUC-KR has.
_LOOK_ALIKES = {
    **dict.fromkeys("−⁻₋➖ーㅡ﹣", "-"),
    **dict.fromkeys("〜˜⁓∿", "~"),
    **dict.fromkeys("∶꞉ː⁚", ":"),
    **dict.fromkeys("•‧⋅・●◦▪", "·"),
    **dict.fromkeys("⁄∕⧸", "/"),
    **dict.fromkeys("‚ʼʹ′ʻ", "'"),
    **dict.fromkeys("„‟″", '"'),
    **dict.fromkeys("❨", "("),
    **dict.fromkeys("❩", ")"),
    "₩": "￦",
    "✕": "×",
    "✖": "×",
    "©": "(c)",
}
_BY_CATEGORY = {"Pd": "-", "Zs": " ", "Cc": "", "Cf": "", "Mn": "", "Me": ""}


def _carried(sign: str) -> str:
    """Write one sign with those that EUC-KR has; '' leaves it out."""
    category = unicodedata.category(sign)
    if 1 <= _bytes_of(sign) <= 2 and category != "Cc":
        return sign
    plain = unicodedata.normalize("NFKC", sign)
    bare = "".join(
        c for c in unicodedata.normalize("NFKD", sign) if unicodedata.category(c) != "Mn"
    )
    for way in (_LOOK_ALIKES.get(sign), _BY_CATEGORY.get(category), _digit(sign), plain, bare):
        if way is not None and not unsendable(folded := way.replace("⁄", "/")):
            return folded
    return UNKNOWN_LETTER if category[0] in "LN" else ""


def _digit(sign: str) -> str | None:
    value = unicodedata.decimal(sign, None)
    return None if value is None else str(value)


NAME_BYTES = 20  # of a name in a text: ten letters of Hangul
_NO_NAME = re.compile(
    r"https?:|www\.|://|@|\.[a-z]{2,}/|\.(?:com|net|org|kr|co|io|ly|me|to|gg|be|cc|tv|im|us|jp|cn|ru|su"
    r"|de|uk|eu|hk|tw|vn|th|id|pw|ws|app|biz|info|link|live|online|page|shop|site|store|top|vip|xyz"
    r"|click|cloud|club|dev|fun|icu|pro|space|tech|website|win|work)\b|\d(?:[\s.,-]*\d){3}",
    re.IGNORECASE,
)


def customer_name(text: str) -> str:
    """Write a name for a text: at most a name, '' when it holds an address or a long number.

    Whoever books may type anything, and it goes out from the shop's own number.
    """
    written = to_euc_kr(text)
    name = written[:NAME_BYTES]  # a sign takes a byte at least: a long one is not measured often
    while size(name) > NAME_BYTES:
        name = name[:-1]
    # A cut makes an address, too: of a.community it leaves a.com.
    forms = (unicodedata.normalize("NFKC", text), written, name)
    return "" if any(map(_NO_NAME.search, forms)) else name.strip()


def is_odd_name(text: str) -> bool:
    """Tell whether a text lacks the customer's name, or most of it: a person should look."""
    written = to_euc_kr(text)
    return bool(written) and (not customer_name(text) or size(written) > 3 * NAME_BYTES)


def name_signs(sign: str) -> str:
    """Name a sign for whoever must find it: '⬇' (U+2B07)."""
    return f"{sign!r} (U+{ord(sign):04X})"
