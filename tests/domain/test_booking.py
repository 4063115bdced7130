"""A booking's keys and flags are the legacy's own."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from naverplace.base.clock import SEOUL
from naverplace.domain.booking import Booking, BookingStatus, Option, new_item

START = datetime(2025, 10, 22, 15, 0, tzinfo=SEOUL)


def a_booking(**changes: Any) -> Booking:
    values: dict[str, Any] = {
        "store_id": "1051707",
        "booking_id": 1000000001,
        "status": "RC03",
        "name": "홍길동",
        "phone": "01000000001",
        "raw_phone": "01000000001",
        "start": START,
        "read_at": START - timedelta(hours=1),
    }
    return Booking(**{**values, **changes})


@pytest.mark.parametrize(
    ("raw", "sort_key"),
    [
        ("01000000001", "010-0000-0001"),
        ("0110000001", "011-0000-001"),  # the legacy slices ten digits wrongly, and we find it so
        ("050200000001", "050-2000-00001"),
        ("+821000000001", "+82-1000-000001"),
    ],
)
def test_an_existing_record_is_found_by_the_legacys_own_slicing(raw: str, sort_key: str) -> None:
    booking = a_booking(raw_phone=raw)

    assert booking.key == ("1051707_1000000001", sort_key)


def test_the_item_is_the_one_that_the_legacy_writes() -> None:
    assert new_item(a_booking()) == {
        "booking_num": "1051707_1000000001",
        "phone": "010-0000-0001",
        "name": "홍길동",
        "booking_time": "2025-10-22 15:00:00",
        "confirm_sms": False,
        "remind_sms": False,
        "option_sms": False,
        "option_time": "",
    }


@pytest.mark.parametrize(
    ("names", "earned"),
    [
        (["무료 인화지 (네이버 포토리뷰 약속 시)"], True),
        (["기본", "인스타 업로드"], True),
        (["원본 전체"], True),
        (["유튜브"], False),
        ([], False),
    ],
)
def test_only_the_three_words_earn_the_event(names: list[str], earned: bool) -> None:
    options = tuple(Option(name=name) for name in names)

    assert a_booking(options=options).has_review_option is earned


def test_phone_and_name_are_not_shown_by_repr() -> None:
    shown = repr(a_booking(extra={"email": "someone@example.com"}))

    assert "0000" not in shown.replace("1000000001", "")
    assert "홍길동" not in shown
    assert "example.com" not in shown


def test_a_booking_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        a_booking().status = BookingStatus.CANCELLED  # type: ignore[misc]
