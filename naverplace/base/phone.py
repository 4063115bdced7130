"""Korean phone numbers: which ones a text message can reach, and how they are written and masked.

Validity is the library phonenumbers' (Google's numbering plans). Two things it does not know are
ours: safe numbers 050x are written with a four-digit prefix
(outside-services: Korean phone numbers), and the legacy's slicing, which is the sort key of
table `sms` (L10).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType

_REACHABLE = (PhoneNumberType.MOBILE, PhoneNumberType.PERSONAL_NUMBER)
_MOBILE = re.compile(r"010\d{8}|01[16789]\d{7,8}|050[2-8]\d{7,8}")
_INTERNATIONAL = re.compile(r"^\s*(?:\+|00)?82[\s-]*\(?0?\)?")


@lru_cache(maxsize=8192)  # a booking's phone is read again in every run, and in every check
def normalise_phone(raw: str) -> str:
    """Write a number as SENS wants it: national digits, such as 01000000001.

    Takes hyphens, blanks and the +82, 0082 and 82 forms. Raises ValueError, without a digit of the
    number in its text, when no text message can reach it.
    """
    text = _plain(raw)
    # A national number starts with 0, so 82... without a plus is the country code.
    if (_INTERNATIONAL.match(text) and not text.startswith("0")) or text.startswith("0082"):
        text = "0" + _INTERNATIONAL.sub("", text, count=1).lstrip("0")
    if re.search(r"[^0-9\s().+/·-]", text):
        raise ValueError("phone: holds other signs than digits")
    try:
        number = phonenumbers.parse(text, "KR")
    except NumberParseException:
        raise ValueError("phone: not a phone number") from None
    digits = f"0{number.national_number}"
    # The library lists the 010 numbers in use, late: of those the shape decides.
    if number.country_code == 82 and re.fullmatch(r"010\d{8}", digits):
        return digits
    if number.country_code != 82 or not phonenumbers.is_valid_number(number):
        raise ValueError("phone: not a Korean phone number")
    reachable = phonenumbers.number_type(number) in _REACHABLE
    if not reachable or not _MOBILE.fullmatch(digits):
        raise ValueError("phone: not a number that a text message can reach")
    return digits


def is_phone(raw: str) -> bool:
    """Tell whether it is some phone's number, of any country, whatever can be sent to it."""
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(_plain(raw), "KR"))
    except NumberParseException:
        return False


def _plain(raw: str) -> str:
    """Write a number with the plain signs that look like its own; drop those that nobody sees."""
    signs = unicodedata.normalize("NFKC", raw)
    folded = (_LOOKS_LIKE.get(unicodedata.category(sign), sign) for sign in signs)
    return re.sub(r"[−ー˗]", "-", "".join(folded)).replace("/", " ").replace("·", " ").strip()


_LOOKS_LIKE = {"Pd": "-", "Zs": " ", "Cf": "", "Cc": "", "Mn": ""}


def legacy_sort_key_phone(raw: str) -> str:
    """Cut a number as the legacy does, whatever its length: the sort key of table `sms` (L10)."""
    return f"{raw[:3]}-{raw[3:7]}-{raw[7:]}"


def from_legacy_sort_key(key: str) -> str:
    """Take the legacy's two hyphens out again: the number as Naver wrote it, if it has 7 signs."""
    return key[:3] + key[4:8] + key[9:]


def mask(text: str) -> str:
    """Write a number so that nobody can call it: 010-****-5678; anything shorter shows nothing."""
    digits = re.sub(r"\D", "", text.replace("%2B", "+")).removeprefix("00")
    if digits.startswith("82") and len(digits) > 10:
        digits = "0" + digits[2:].lstrip("0")
    if len(digits) < 9:
        return "***"
    # Before the first hyphen safe numbers have four digits, and Seoul's two.
    head = 4 if digits.startswith("050") else 2 if digits.startswith("02") else 3
    return f"{digits[:head]}-****-{digits[-4:]}"
