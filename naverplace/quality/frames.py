"""Naver's bookings as a DataFrame with declared columns, and back; all care for NaN lives here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from naverplace.base.clock import parse_time
from naverplace.base.korean_text import compose
from naverplace.base.phone import is_phone, mask, normalise_phone
from naverplace.domain.booking import Booking, BookingStatus, Option
from naverplace.domain.extra_fields import Field, read_field

if TYPE_CHECKING:
    import pandas as pd

# A column's name and dtype; a row that does not fit holds a missing value there.
COLUMNS: dict[str, str] = {
    "asked_store": "str",  # the store whose list this is
    "store_id": "str",  # as the booking says
    "booking_id": "Int64",
    "status": "str",
    "name": "str",
    "raw_phone": "str",  # as Naver gave it
    "phone": "str",  # national digits, missing when no text message can reach it
    "phone_shape": "str",  # 010-****-0001, or the shape of what is no such number
    "start_text": "str",  # as Naver gave it, UTC
    "start": "datetime64[us, Asia/Seoul]",  # cut to the minute
    "end": "datetime64[us, Asia/Seoul]",
    "made_at": "datetime64[us, Asia/Seoul]",
    "confirmed_at": "datetime64[us, Asia/Seoul]",
    "completed_at": "datetime64[us, Asia/Seoul]",
    "options": "object",  # a tuple of Option
    "extra": "object",  # a dict of the declared fields
    "read_at": "datetime64[us, Asia/Seoul]",
}
LONGEST_NAME, LONGEST_CODE = 300, 40  # signs; whatever is longer is no name, and no code or time
NO_TEXTS = " (gets no texts)"  # a landline, or a foreign number
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def to_frame(
    raws: Sequence[Mapping[str, Any]], *, store_id: str, fields: Sequence[Field], read_at: datetime
) -> pd.DataFrame:
    """Put one store's bookings in a frame, a row each; a broken row never breaks the frame."""
    import pandas as pd  # it takes a second

    rows = [_row(raw, store_id=store_id, fields=fields, read_at=read_at) for raw in raws]
    columns = {name: [row[name] for row in rows] for name in COLUMNS}
    return pd.DataFrame(
        {name: pd.Series(columns[name], dtype=dtype) for name, dtype in COLUMNS.items()}
    )


def _row(
    raw: object, *, store_id: str, fields: Sequence[Field], read_at: datetime
) -> dict[str, Any]:
    raw = raw if isinstance(raw, Mapping) else {}
    snapshot = raw.get("snapshotJson")
    snapshot = snapshot if isinstance(snapshot, Mapping) else {}
    shown = _text(raw.get("phone"))
    phone = _phone(shown)
    # Blanks around it are part of the legacy's key (L10), or a hand-back would meet a new booking.
    raw_phone = _readable(str(raw["phone"])) if shown else None
    return {
        "asked_store": store_id,
        "store_id": _code(raw.get("businessId")),
        "booking_id": _whole(raw.get("bookingId")),
        "status": _code(raw.get("bookingStatusCode")),
        "name": _name(raw.get("name")),
        "raw_phone": raw_phone,
        "phone": phone,
        "phone_shape": mask(phone) if phone else _shape(shown),
        "start_text": _code(snapshot.get("startDateTime")),
        "start": _visit(snapshot.get("startDateTime")),
        "end": _end(snapshot),
        "made_at": _to_the_second(raw.get("regDateTime")),
        "confirmed_at": _to_the_second(raw.get("confirmedDateTime")),
        "completed_at": _to_the_second(raw.get("completedDateTime")),
        "options": _options(snapshot.get("bookingOptionJson"), raw.get("bookingOptionJson")),
        "extra": {field.name: read_field(field, raw) for field in fields},
        "read_at": read_at,
    }


def _text(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return compose(_readable(str(value))).strip() or None


def _name(value: object) -> str:
    return (_text(value) or "")[:LONGEST_NAME].rstrip()


def _code(value: object) -> str | None:
    text = _text(value)
    return text and text[:LONGEST_CODE]


def _readable(text: str) -> str:
    # Half an emoji (a lone surrogate) is valid JSON, yet neither tables nor messages can hold it.
    return text.encode("utf-8", "replace").decode("utf-8")


def _whole(value: object) -> int | None:
    text = _text(value)
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


def _phone(raw: str | None) -> str | None:
    try:
        return normalise_phone(raw) if raw else None
    except ValueError:
        return None


def _shape(raw: str | None) -> str | None:
    """Show what a broken number looks like without showing it: digits become 0, letters x."""
    if not raw:
        return None
    shape = re.sub(r"[^\W\d_]", "x", re.sub(r"\d", "0", raw[:LONGEST_CODE]))
    return f"{shape}{NO_TEXTS}" if is_phone(raw) else shape


def _visit(value: object) -> datetime | None:
    """Read Naver's UTC text as a Korean minute (L10; outside-services: Naver API fields)."""
    read = _to_the_second(value) if _UTC.fullmatch(str(value)) else None
    return read and read.replace(second=0)


def _end(snapshot: Mapping[str, Any]) -> datetime | None:
    """Read the end; one that is not after the start is not known, and costs nobody a message."""
    start, end = _visit(snapshot.get("startDateTime")), _visit(snapshot.get("endDateTime"))
    return None if start and end and end <= start else end


def _to_the_second(value: object) -> datetime | None:
    """Read a time of Naver's with an offset (outside-services: Naver API fields)."""
    read = parse_time(value)
    return read and read.replace(microsecond=0)


def _options(*lists: object) -> tuple[Option, ...]:
    """Read the chosen options; the list stands twice in a booking, and may be missing in one."""
    for listed in lists:
        if isinstance(listed, list) and listed:
            options = (_option(entry) for entry in listed if isinstance(entry, Mapping))
            return tuple(option for option in options if option.count > 0)  # else not chosen
    return ()


def _option(entry: Mapping[str, Any]) -> Option:
    count, price = _whole(entry.get("bookingCount")), _whole(entry.get("price"))
    return Option(
        name=_name(entry.get("name")), count=1 if count is None else count, price=price or 0
    )


def to_bookings(frame: pd.DataFrame) -> list[Booking]:
    """Make bookings of rows that passed the validation."""
    return [_booking(row) for row in frame_rows(frame)]


def frame_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Give a frame's rows by column, None for what is missing; those that are broken too."""
    plain = frame.astype(object).where(frame.notna(), None)
    rows: list[Any] = plain.to_dict("records")
    return rows


def _booking(row: Mapping[Any, Any]) -> Booking:
    return Booking(
        store_id=row["asked_store"],
        booking_id=int(row["booking_id"]),
        status=BookingStatus(row["status"]),
        name=row["name"] or "",
        phone=row["phone"],
        raw_phone=row["raw_phone"],
        start=row["start"].to_pydatetime(),
        end=_moment(row["end"]),
        made_at=_moment(row["made_at"]),
        confirmed_at=_moment(row["confirmed_at"]),
        completed_at=_moment(row["completed_at"]),
        options=row["options"],
        extra=row["extra"],
        read_at=row["read_at"].to_pydatetime(),
    )


def _moment(value: pd.Timestamp | None) -> datetime | None:
    return value and value.to_pydatetime()
