"""Which numbers a text message reaches, and how they are written."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naverplace.base.phone import is_phone, legacy_sort_key_phone, mask, normalise_phone

MOBILES = st.from_regex(r"01[16789][0-9]{7,8}|010[0-9]{8}|050[2-8][0-9]{7,8}", fullmatch=True)


@pytest.mark.parametrize(
    ("raw", "digits"),
    [
        ("01000000001", "01000000001"),
        ("010-0000-0001", "01000000001"),
        ("010 0000 0001", "01000000001"),
        ("+82 10-0000-0001", "01000000001"),
        ("+82 010-0000-0001", "01000000001"),
        ("821000000001", "01000000001"),
        ("00821000000001", "01000000001"),
        ("011-000-0001", "0110000001"),
        ("016-123-4567", "0161234567"),
        ("01900000001", "01900000001"),
        ("0502-000-0001", "05020000001"),
        ("050200000001", "050200000001"),
        ("010\u20130000\u20130001", "01000000001"),
        ("０１０－００００－０００１", "01000000001"),
        ("＋82 10−0000−0001", "01000000001"),
        ("\u200b010\u00a00000\u20070001\u202c", "01000000001"),
        ("010.0000.0001", "01000000001"),
        ("010·0000·0001", "01000000001"),
        ("(010) 0000/0001", "01000000001"),
        ("010-5970-0000", "01059700000"),
        ("010-5999-0000", "01059990000"),
    ],
)
def test_a_reachable_number_becomes_national_digits(raw: str, digits: str) -> None:
    assert normalise_phone(raw) == digits


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "  ",
        "abc",
        "010-12",
        "0100000000",
        "010000000012345",
        "0212345678",
        "0311234567",
        "07012345678",
        "0801234567",
        "15881234",
        "05010000001",
        "+1 202 555 0100",
        "010-000O-0001",
    ],
)
def test_a_number_that_no_message_reaches_is_refused_without_being_quoted(raw: str) -> None:
    with pytest.raises(ValueError, match="phone: ") as refused:
        normalise_phone(raw)

    assert not re.search(r"\d", str(refused.value))


@given(MOBILES)
def test_hyphens_change_nothing(digits: str) -> None:
    hyphenated = f"{digits[:3]}-{digits[3:-4]}-{digits[-4:]}"
    assert normalise_phone(hyphenated) == digits == normalise_phone(normalise_phone(digits))


@given(MOBILES, st.sampled_from(["+82{}", "82{}", "0082{}", "+82 {}", "+82-{}"]))
def test_international_forms_are_the_same_number(digits: str, form: str) -> None:
    assert normalise_phone(form.format(digits[1:])) == digits


@given(st.text())
def test_the_legacys_slices_lose_nothing(raw: str) -> None:
    assert legacy_sort_key_phone(raw) == f"{raw[:3]}-{raw[3:7]}-{raw[7:]}"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("01012345678", "010-****-5678"),
        ("010-1234-5678", "010-****-5678"),
        ("+82 10-1234-5678", "010-****-5678"),
        ("0082 10-1234-5678", "010-****-5678"),
        ("0502-123-4567", "0502-****-4567"),
        ("0110001234", "011-****-1234"),
        ("010-12", "***"),
        ("", "***"),
    ],
)
def test_one_rule_masks_every_form(text: str, masked: str) -> None:
    assert mask(text) == masked


@given(MOBILES)
def test_a_mask_shows_the_prefix_and_four_digits_at_most(digits: str) -> None:
    head = 4 if digits.startswith("050") else 3

    assert re.sub(r"\D", "", mask(digits)) == digits[:head] + digits[-4:]


@pytest.mark.parametrize(
    ("raw", "known"),
    [
        ("02-312-0000", True),
        ("+1 202 555 0100", True),
        ("010-12", False),
        ("abc", False),
    ],
)
def test_a_number_that_is_some_phones_is_told_from_what_is_none(raw: str, known: bool) -> None:
    assert is_phone(raw) == known
