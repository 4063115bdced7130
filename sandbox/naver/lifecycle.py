"""What happens to a booking after it was made (outside-services: Naver status codes)."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

Raw = dict[str, Any]
SEOUL = ZoneInfo("Asia/Seoul")


def complete(raw: Raw, *, at: datetime) -> None:
    """Turn a confirmed booking into a completed one (RC03 to RC08)."""
    raw.update(bookingStatusCode="RC08", isCompleted=True, completedDateTime=_local(at))


def cancel(raw: Raw, *, at: datetime) -> None:
    """Cancel a booking (RC04); it vanishes from the confirmed ones."""
    raw.update(bookingStatusCode="RC04", cancelledDateTime=_local(at))


def move(raw: Raw, start: datetime, *, new_id: int, at: datetime) -> Raw:
    """Move a booking: Naver cancels it as changed (RC06) and makes a new one, which is returned."""
    moved = deepcopy(raw)
    cancel(raw, at=at)
    raw["bookingStatusCode"] = "RC06"
    lasts = (ends_at(moved) or start) - (starts_at(moved) or start)
    moved.update(
        bookingId=new_id,
        startDate=f"{start.astimezone(SEOUL):%Y-%m-%d}",
        endDate=f"{(start + lasts).astimezone(SEOUL):%Y-%m-%d}",
        regDateTime=_local(at),
        confirmedDateTime=_local(at),
    )
    moved["snapshotJson"].update(
        bookingId=new_id, startDateTime=_utc(start), endDateTime=_utc(start + lasts)
    )
    return moved


def completed_twin(raw: Raw, *, at: datetime) -> Raw:
    """Copy a booking as completed: for a moment Naver lists it in RC03 and in RC08."""
    twin = deepcopy(raw)
    complete(twin, at=at)
    return twin


def starts_at(raw: Raw) -> datetime | None:
    """Tell when it starts; None when its data is broken."""
    return _time(raw["snapshotJson"].get("startDateTime"))


def ends_at(raw: Raw) -> datetime | None:
    """Tell when it ends; None when its data is broken."""
    return _time(raw["snapshotJson"].get("endDateTime"))


def _time(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _local(at: datetime) -> str:
    return at.astimezone(SEOUL).isoformat(timespec="seconds")
