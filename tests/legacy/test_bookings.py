"""How the modelled legacy reads a booking (L10)."""

from __future__ import annotations

import pytest

from legacy.bookings import read, sliced, start_of
from tests.legacy.deciding import STORE, a_raw, decided, local


@pytest.mark.parametrize(
    ("phone", "cut"),
    [
        ("01000000001", "010-0000-0001"),
        ("0110000123", "011-0000-123"),
        ("050200000123", "050-2000-00123"),
        ("+821000009002", "+82-1000-009002"),
        ("0100000", "010-0000-"),
        ("010", "010--"),
        ("", "--"),
        ("010-0000-0001", "010--000-0-0001"),
    ],
)
def test_l10_a_phone_is_cut_in_three_whatever_its_length(phone: str, cut: str) -> None:
    assert sliced(phone) == cut


def test_l10_the_start_is_nine_hours_later_and_loses_its_seconds() -> None:
    raw = a_raw()
    raw = {**raw, "snapshotJson": {**raw["snapshotJson"], "startDateTime": "2025-10-22T15:30:59Z"}}

    assert read(raw).start == local("2025-10-23 00:30")


@pytest.mark.parametrize(
    ("option", "earns"),
    [
        ("네이버 리뷰", True),
        ("인스타 업로드", True),
        ("원본 전체", True),
        ("비네이버리뷰", True),
        ("셀프 보정 20분", False),
        ("naver", False),
    ],
)
def test_l10_an_option_earns_the_event_by_a_word_in_its_name(option: str, earns: bool) -> None:
    assert read(a_raw(options=[("반려동물 동반", 1), (option, 1)])).option is earns


@pytest.mark.parametrize(
    ("sent", "year"),
    [
        ("2068", 2068),
        ("2069", 1969),
        ("2099", 1999),
        ("2125", 2025),
        ("1968", 2068),
        ("0001", 2001),
    ],
)
def test_l10_a_year_goes_through_two_digits(sent: str, year: int) -> None:
    assert start_of(f"{sent}-03-01T05:00:00Z") == local(f"{year}-03-01 14:00")


@pytest.mark.parametrize("phone", [" 01000000001", "01000000001  ", "\t01000000001\n"])
def test_l10_blanks_around_a_phone_are_in_key_and_lines_and_not_in_to(phone: str) -> None:
    outcome = decided(a_raw(phone=phone))

    key = f"{phone[:3]}-{phone[3:7]}-{phone[7:]}"
    ((_, message),) = outcome.messages
    assert message.to == "01000000001"
    assert list(outcome.items) == [(f"{STORE}_1", key)]
    assert outcome.lines == (f"{key} 예약확정 문자 발송 완료",)


def test_l10_a_booking_without_options_earns_nothing() -> None:
    assert read(a_raw(options=[])).option is False
