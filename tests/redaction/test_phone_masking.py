"""Phones are found in free text, and nothing else that is made of digits is taken for one."""

from __future__ import annotations

import uuid
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naverplace.base.clock import SEOUL
from naverplace.base.phone import legacy_sort_key_phone
from naverplace.redaction.phone_masking import mask_phones

MOBILES = st.from_regex(r"010[0-9]{8}|01[16789][0-9]{7,8}|050[2-8][0-9]{7,8}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("to 01012345678.", "to 010-****-5678."),
        ("문자 010-1234-5678 발송", "문자 010-****-5678 발송"),
        ("전화01012345678로", "전화010-****-5678로"),
        ('{"to":"01012345678"}', '{"to":"010-****-5678"}'),
        ("to=%2B821012345678&x", "to=010-****-5678&x"),
        ("+82 10-1234-5678", "010-****-5678"),
        ("00821012345678", "010-****-5678"),
        ("0502-123-4567", "0502-****-4567"),
        ("011 123 4567", "011-****-4567"),
        ("02-1234-5678", "02-****-5678"),
        ("0212345678", "02-****-5678"),
        (r"a\n01012345678", r"a\n010-****-5678"),
        (r"\uc804\ud65401012345678", r"\uc804\ud654010-****-5678"),
        ("%ED%99%9401012345678", "%ED%99%94010-****-5678"),
        ("tel01012345678", "tel010-****-5678"),
        ("1051707_01012345678", "1051707_010-****-5678"),
        ("(010) 1234-5678", "(010-****-5678"),
        ("010–1234–5678", "010-****-5678"),
        ("+82 (0)10 1234 5678", "010-****-5678"),
        ("01012345678,01098765432", "010-****-5678,010-****-5432"),
        ("01012345678-2025-10-22", "010-****-5678-2025-10-22"),
    ],
)
def test_phones_are_masked_wherever_they_stand(text: str, shown: str) -> None:
    assert mask_phones(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "1051707_1000000001",
        "1051707_0101234567",
        "1761109335000",
        "550e8400-e29b-41d4-a716-010123456789",
        "550e8400-e29b-41d4-a716-446655440000",
        "2025-10-22T14:02:15.010123456+09:00",
        "0.01012345678",
        "requestId a01012345678b",
        "₩ 45,000 and 101234567",
        "v1.010.1234",
        "14:02:15.010 2025-10-22",
        "14:02:15,010 2025-10-22",
        "RSSA-1549873400000-5323-12345678-ABCDEFGH",
        "b15a455c-0034-1be3-be6f-050352912692",
        "7cc63ac5-0508-2959-1657-eb0fb1ac18cd",
        "82101234-5678-41d4-a716-446655440000",
        "ncp:sms:kr:000000000000:shop",
        "100-2000-3000",
    ],
)
def test_other_numbers_are_not_taken_for_phones(text: str) -> None:
    assert mask_phones(text) == text


@given(MOBILES, st.sampled_from(["{}", "to {}.", "{}로", "'{}'", '\\"{}\\"', "[{}]", "a\\n{}\\n"]))
def test_no_mobile_number_is_left_in_any_surroundings(digits: str, around: str) -> None:
    head = 4 if digits.startswith("050") else 3
    parts = digits[:head], digits[head:-4], digits[-4:]
    abroad = f"+82{digits[1:]}"

    for gap in ("", "-", " ", ".", " - "):
        assert parts[1] + parts[2] not in mask_phones(around.format(gap.join(parts)))
        assert f"{parts[1]}{gap}{parts[2]}" not in mask_phones(around.format(gap.join(parts)))
    assert parts[1] + parts[2] not in mask_phones(around.format(abroad))


@given(MOBILES, st.sampled_from(["{}", "+82 {}", "+82{}", "82{}", "0082{}"]))
def test_what_the_legacys_slices_make_of_a_number_is_masked_too(digits: str, form: str) -> None:
    raw = digits if form == "{}" else form.format(digits[1:])

    masked = mask_phones(f"({legacy_sort_key_phone(raw)!r}, 'x')")

    assert "****" in masked
    assert sum(sign.isdigit() for sign in masked) <= 8


@given(st.uuids())
def test_no_uuid_is_taken_for_a_phone(number: uuid.UUID) -> None:
    assert mask_phones(f"request {number} ended") == f"request {number} ended"


@given(st.integers(10**5, 10**7), st.integers(10**5, 10**10), st.integers(1, 10**14))
def test_no_number_without_a_leading_zero_is_taken_for_a_phone(
    store: int, booking: int, other: int
) -> None:
    text = f"{store}_{booking} {other:,} won, {other / 100:.2f}"

    # The country code without a plus, as in 821012345678, is the one exception.
    assert mask_phones(text) == text or "82" in text


@given(st.integers(1_577_000_000_000, 2_050_000_000_000))
def test_no_time_is_taken_for_a_phone(milliseconds: int) -> None:
    time = datetime.fromtimestamp(milliseconds / 1000, SEOUL)

    for text in (f"{time} | x", time.isoformat(), time.strftime("%Y%m%d%H%M%S%f")):
        assert mask_phones(f"{text} {milliseconds}") == f"{text} {milliseconds}"


@given(MOBILES)
def test_masking_twice_changes_nothing_more(digits: str) -> None:
    once = mask_phones(f"{digits} {digits[:3]}-{digits[3:]}")

    assert mask_phones(once) == once
