"""Naver's bookings as a DataFrame with declared columns, and back; all care for NaN lives here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from naverplace.base.clock import parse_time
from naverplace.base.phone import mask, normalise_phone
from naverplace.domain.booking import Booking, BookingStatus, Option
from naverplace.domain.extra_fields import Field, read_field

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
    "options": "object",  # a tuple of Option
    "extra": "object",  # a dict of the declared fields
    "read_at": "datetime64[us, Asia/Seoul]",
}
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def to_frame(
    raws: Sequence[Mapping[str, Any]],
    *,
    store_id: str,
    fields: Sequence[Field],
    read_at: datetime,
) -> pd.DataFrame:
    """Put one store's bookings in a frame, a row each; a broken row never breaks the frame."""
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
        "store_id": _text(raw.get("businessId")),
        "booking_id": _whole(raw.get("bookingId")),
        "status": _text(raw.get("bookingStatusCode")),
        "name": _text(raw.get("name")) or "",
        "raw_phone": raw_phone,
        "phone": phone,
        "phone_shape": mask(phone) if phone else _shape(shown),
        "start_text": _text(snapshot.get("startDateTime")),
        "start": _start_or_end(snapshot.get("startDateTime")),
        "end": _start_or_end(snapshot.get("endDateTime")),
        "made_at": _with_offset(raw.get("regDateTime")),
        "confirmed_at": _with_offset(raw.get("confirmedDateTime")),
        "options": _options(snapshot.get("bookingOptionJson"), raw.get("bookingOptionJson")),
        "extra": {field.name: read_field(field, raw) for field in fields},
        "read_at": read_at,
    }


def _text(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return _readable(str(value)).strip() or None


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
    return re.sub(r"[^\W\d_]", "x", re.sub(r"\d", "0", raw)) if raw else None


def _start_or_end(value: object) -> datetime | None:
    """Read Naver's UTC text as a Korean minute (L10; outside-services: Naver API fields)."""
    read = parse_time(value) if _UTC.fullmatch(str(value)) else None
    return read.replace(second=0, microsecond=0) if read else None


def _with_offset(value: object) -> datetime | None:
    """Read a time of Naver's with an offset (outside-services: Naver API fields)."""
    read = parse_time(value)
    return read.replace(microsecond=0) if read else None


def _options(*lists: object) -> tuple[Option, ...]:
    """Read the chosen options; the list stands twice in a booking, and may be missing in one."""
    for listed in lists:
        if isinstance(listed, list) and listed:
            return tuple(_option(entry) for entry in listed if isinstance(entry, Mapping))
    return ()


def _option(entry: Mapping[str, Any]) -> Option:
    count, price = _whole(entry.get("bookingCount")), _whole(entry.get("price"))
    return Option(
        name=_text(entry.get("name")) or "", count=1 if count is None else count, price=price or 0
    )


def to_bookings(frame: pd.DataFrame) -> list[Booking]:
    """Make bookings of rows that passed the validation."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [_booking(row) for row in plain.to_dict("records")]


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
        options=row["options"],
        extra=row["extra"],
        read_at=row["read_at"].to_pydatetime(),
    )


def _moment(value: pd.Timestamp | None) -> datetime | None:
    return value.to_pydatetime() if value is not None else None
