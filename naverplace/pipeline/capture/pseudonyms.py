"""Pseudonyms of phones and names: keyed, alike for alike, and of the same form; pure.

Without the key nobody can tell whom a pseudonym stands for, not even by trying all numbers. A
number keeps prefix, length and separators, and is reachable just when the real one is; every
spelling of one number gives the same pseudonym in that spelling. Mobile pseudonyms begin with 0
after the prefix, as no real number does. A name keeps its length, blanks, and for each sign
whether a text message can carry it, for texts are cut and counted by that.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from naverplace.base.korean_text import to_euc_kr, unsendable
from naverplace.base.phone import from_legacy_sort_key, legacy_sort_key_phone, normalise_phone

_SAFE_NUMBER = "050"  # its prefix has four digits (outside-services: Korean phone numbers)
_UNASSIGNED = "597"  # 010-597x is no number of the Korean plan
_TRIES = 16
_SURNAMES = "김이박최정강조윤장임한오서신권황안송류홍"
_SYLLABLES = "가나다라민서지우하은도윤채연시아현준수빈예진유주소율건호재영태인선혜"
_RARE = "갂갃갅갆갋묈묉묊"  # EUC-KR lacks them


class Pseudonyms:
    """Gives pseudonyms under one key; `key_id` tells keys apart without telling them."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self.key_id = self._hash("key", "").hex()[:8]

    def phone(self, raw: str) -> str:
        """Give the pseudonym of a phone in the spelling at hand; an empty one stays empty."""
        try:
            digits = normalise_phone(raw)
        except ValueError:
            return self._odd_phone(raw)
        head = 4 if digits.startswith(_SAFE_NUMBER) else 3
        tail = "0" + self._digits("phone", digits, len(digits) - head - 1)
        return _with_tail(raw, tail)

    def key_phone(self, key: str) -> str:
        """Give the pseudonym of a phone as the key of an item has it, sliced by the legacy (L10).

        It is what the legacy would slice from the pseudonym of the phone as Naver writes it.
        """
        for raw in (from_legacy_sort_key(key), key[:3] + key[4:-1], key[:-2]):
            if legacy_sort_key_phone(raw) == key:
                return legacy_sort_key_phone(self.phone(raw))
        return self.phone(key)

    def name(self, real: str) -> str:
        """Give an invented name of the same length and kinds of signs."""
        whole = unicodedata.normalize("NFC", real)  # an iPhone writes 가 as two signs
        for turn in range(_TRIES):
            stream = self._numbers("name", f"{turn}:{whole}")
            invented = "".join(_another(sign, next(stream), at) for at, sign in enumerate(whole))
            if invented != whole:
                break
        return invented if whole == real else unicodedata.normalize("NFD", invented)

    def _odd_phone(self, raw: str) -> str:
        """Change the digits of what no message can reach, so that it stays so."""
        shape = "".join(s if s.isspace() or s in "().+-" or s.isdecimal() else "x" for s in raw)
        count = sum(sign.isdecimal() for sign in shape)
        digits = "".join(re.findall(r"\d", shape))
        for turn in range(_TRIES):
            for begin in ("", _UNASSIGNED):
                rest = self._digits("odd", f"{turn}:{digits}", max(count - 3, 0))
                changed = _with_tail(shape, (begin + rest)[: len(rest)])
                if not _is_reachable(changed) and (changed != raw or count <= 3):
                    return changed
        return _with_tail(shape, "0" * count)

    def _digits(self, kind: str, text: str, count: int) -> str:
        stream = self._numbers(kind, text)
        return "".join(str(next(stream) % 10) for _ in range(count))

    def _numbers(self, kind: str, text: str) -> Iterator[int]:
        """Give as many numbers as are asked for, each from four bytes of the keyed hash."""
        block = 0
        while True:
            hashed = self._hash(f"{kind}/{block}", text)
            yield from (int.from_bytes(hashed[at : at + 4], "big") for at in range(0, 32, 4))
            block += 1

    def _hash(self, kind: str, text: str) -> bytes:
        said = f"{kind}\0{text}".encode("utf-8", "surrogatepass")
        return hmac.new(self._key, said, hashlib.sha256).digest()


def _with_tail(text: str, tail: str) -> str:
    """Put other digits in the place of the last ones, in the script that they are written in."""
    signs, left = list(text), len(tail)
    for at in range(len(signs) - 1, -1, -1):
        if not left:
            break
        if (old := unicodedata.decimal(signs[at], None)) is not None:
            left -= 1
            signs[at] = chr(ord(signs[at]) - int(old) + int(tail[left]))
    return "".join(signs)


def _is_reachable(phone: str) -> bool:
    try:
        return bool(normalise_phone(phone))
    except ValueError:
        return False


def _another(sign: str, number: int, at: int) -> str:
    """Choose another sign of the same kind; blanks and punctuation stay."""
    pool = _pool_of(sign, at == 0)
    return pool[number % len(pool)] if pool else sign


@lru_cache(maxsize=4096)
def _pool_of(sign: str, first: bool) -> str:
    category, is_carried = unicodedata.category(sign), not unsendable(sign)
    if "가" <= sign <= "힣":
        return (_SURNAMES if first else _SYLLABLES) if is_carried else _RARE
    if category == "Nd":
        return "0123456789"
    if sign.isascii() and category in ("Lu", "Ll"):
        return "ABCDEGHIKLMNOPRSTUWY" if category == "Lu" else "abcdeghiklmnoprstuwy"
    if category[0] == "L" and to_euc_kr(sign).isascii():  # an accent that a text loses
        return "ÀÉÎÕÜÝ" if category == "Lu" else "àéîõüý"
    if category[0] in "LN":
        return "金李朴崔鄭姜" if is_carried else "龘齉爩鱻"
    if category in ("So", "Sk"):
        return "★☆♡♥" if is_carried else "😀🙂🌳🌊" if ord(sign) > 0xFFFF else "❤☀☂✈"
    return ""
