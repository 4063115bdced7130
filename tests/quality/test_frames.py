"""Naver's JSON becomes a frame with declared columns, whatever is broken in it."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from naverplace.base.clock import SEOUL
from naverplace.domain.booking import BookingStatus, Option
from naverplace.domain.extra_fields import Field
from naverplace.quality.frames import COLUMNS, to_bookings, to_frame

READ_AT = datetime(2025, 10, 22, 14, 2, 15, tzinfo=SEOUL)


def raw(**changes: Any) -> dict[str, Any]:
    """A booking as Naver sends it; `snapshot` changes its inner part."""
    snapshot = {
        "startDateTime": "2025-10-22T06:00:00Z",
        "endDateTime": "2025-10-22T07:00:00Z",
        "bookingOptionJson": [{"name": "원본 전체", "bookingCount": 2, "price": 5000}],
        **changes.pop("snapshot", {}),
    }
    return {
        "bookingId": 1000000001,
        "businessId": 1051707,
        "bookingStatusCode": "RC03",
        "name": "홍길동",
        "phone": "01000000001",
        "totalPrice": 45000,
        "snapshotJson": snapshot,
        **changes,
    }


def frame_of(*raws: Any, fields: tuple[Field, ...] = ()) -> pd.DataFrame:
    return to_frame(raws, store_id="1051707", fields=fields, read_at=READ_AT)


def test_a_whole_booking_comes_back_as_it_was() -> None:
    price = Field(name="total_price", path="totalPrice", type="int")

    (booking,) = to_bookings(frame_of(raw(), fields=(price,)))

    assert booking.booking_num == "1051707_1000000001"
    assert booking.status is BookingStatus.CONFIRMED
    assert booking.start == datetime(2025, 10, 22, 15, 0, tzinfo=SEOUL)
    assert booking.start.utcoffset() == READ_AT.utcoffset()
    assert booking.options == (Option(name="원본 전체", count=2, price=5000),)
    assert booking.extra == {"total_price": 45000}
    assert booking.read_at == READ_AT


def test_blanks_around_a_phone_are_in_the_key_as_in_the_legacys_and_not_in_the_number() -> None:
    (booking,) = to_bookings(frame_of(raw(phone=" 01000000001 ")))

    assert booking.key.phone == " 01-0000-00001 "
    assert booking.phone == "01000000001"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2025-10-21T11:18:43+09:00", datetime(2025, 10, 21, 11, 18, 43, tzinfo=SEOUL)),
        ("2025-10-21T02:18:43.5Z", datetime(2025, 10, 21, 11, 18, 43, tzinfo=SEOUL)),
        ("2025-10-21T11:18:43", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        (None, None),
        (20251021, None),
    ],
)
def test_when_a_booking_was_made_and_confirmed_is_read_or_unknown(
    text: object, read: datetime | None
) -> None:
    (made,) = to_bookings(frame_of(raw(regDateTime=text)))
    (confirmed,) = to_bookings(frame_of(raw(confirmedDateTime=text)))

    assert (made.made_at, made.confirmed_at) == (read, None)
    assert (confirmed.made_at, confirmed.confirmed_at) == (None, read)


def test_the_start_is_cut_to_the_minute_as_the_legacy_does() -> None:
    (booking,) = to_bookings(frame_of(raw(snapshot={"startDateTime": "2025-10-22T06:00:59.9Z"})))

    assert booking.start == datetime(2025, 10, 22, 15, 0, tzinfo=SEOUL)


def test_utc_evening_is_the_next_day_in_seoul() -> None:
    (booking,) = to_bookings(frame_of(raw(snapshot={"startDateTime": "2025-10-22T15:30:00Z"})))

    assert booking.start == datetime(2025, 10, 23, 0, 30, tzinfo=SEOUL)


@pytest.mark.parametrize("rows", [0, 1])
def test_the_columns_are_the_declared_ones_also_without_rows(rows: int) -> None:
    frame = frame_of(*[raw()] * rows)

    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == COLUMNS


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "soon",
        "2025-10-22 15:00:00",
        "2025-10-22T06:00:00",
        "2025-10-22T06:00:00+09:00",
        "2025-13-45T06:00:00Z",
        "2025-10-22T25:00:00Z",
        20251022,
    ],
)
def test_a_time_that_is_not_utc_text_is_missing_never_guessed(text: object) -> None:
    frame = frame_of(raw(snapshot={"startDateTime": text}))

    assert frame["start"].isna().all()


def test_a_broken_phone_leaves_its_shape_but_not_its_digits() -> None:
    frame = frame_of(raw(phone="010-1234-56a"))

    assert frame["phone"].isna().all()
    assert frame["phone_shape"].tolist() == ["000-0000-00x"]


def test_half_an_emoji_in_a_name_can_be_written_everywhere() -> None:
    (booking,) = to_bookings(frame_of(raw(name="길동\ud83d")))

    assert booking.name == "길동?"


@pytest.mark.parametrize("row", [None, [1], "text", 7])
def test_a_row_that_is_no_object_is_a_row_with_nothing_in_it(row: object) -> None:
    frame = frame_of(row, raw())

    assert frame["booking_id"].isna().tolist() == [True, False]


def test_options_are_read_from_the_top_when_the_snapshot_has_none() -> None:
    (booking,) = to_bookings(
        frame_of(raw(snapshot={"bookingOptionJson": []}, bookingOptionJson=[{"name": "인스타"}]))
    )

    assert booking.options == (Option(name="인스타"),)


def test_a_booking_without_options_has_none() -> None:
    (booking,) = to_bookings(frame_of(raw(snapshot={"bookingOptionJson": []})))

    assert booking.options == ()


def test_a_missing_name_and_end_are_no_nan() -> None:
    (booking,) = to_bookings(frame_of(raw(name=None, snapshot={"endDateTime": None})))

    assert (booking.name, booking.end) == ("", None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "bookingId": JSON,
            "businessId": JSON,
            "bookingStatusCode": JSON,
            "name": JSON,
            "phone": JSON,
            "snapshotJson": JSON
            | st.fixed_dictionaries(
                {}, optional={"startDateTime": JSON, "endDateTime": JSON, "bookingOptionJson": JSON}
            ),
        },
    )
)
def test_no_row_breaks_the_frame(broken: dict[str, Any]) -> None:
    fields = (Field(name="total_price", path="totalPrice", type="int"),)

    frame = frame_of(broken, raw(), fields=fields)

    assert len(frame) == 2
    assert to_bookings(frame.tail(1))[0].phone == "01000000001"


def test_an_option_with_count_zero_was_not_chosen_and_text_is_composed() -> None:
    typed = unicodedata.normalize("NFD", "네이버 리뷰")
    options = [{"name": typed, "bookingCount": 1}, {"name": "보정", "bookingCount": 0}]

    (booking,) = to_bookings(frame_of(raw(snapshot={"bookingOptionJson": options})))

    assert booking.options == (Option(name="네이버 리뷰", count=1),)


def test_names_of_naver_are_bounded_and_so_is_whatever_quarantine_shows() -> None:
    long = "가" * 100_000
    frame = frame_of(
        raw(name=long, snapshot={"bookingOptionJson": [{"name": long}]}),
        raw(phone="0" * 100_000, bookingStatusCode=long, snapshot={"startDateTime": long}),
    )

    (option,) = frame["options"][0]
    assert (len(frame["name"][0]), len(option.name)) == (300, 300)
    assert {len(frame[column][1]) for column in ("phone_shape", "status", "start_text")} == {40}
    assert frame["phone"].isna()[1]


def test_a_phone_is_never_made_good_by_cutting_it() -> None:
    frame = frame_of(raw(phone="010-0000-0001" + " " * 1000 + "9"))

    assert frame["phone"].isna().all()
