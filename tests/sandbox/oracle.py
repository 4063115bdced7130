"""What a right run does, counted without the library: rules L11-L13 with the intended guards."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Raw = Mapping[str, Any]
KINDS = ("confirmation", "guide", "event")
PLAUSIBLE = timedelta(days=400)


@dataclass
class Sums:
    """The sums of one run."""

    bookings_confirmed: int = 0
    bookings_completed: int = 0
    records_created: int = 0
    quarantined: int = 0
    messages: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    soon: int = 0  # new ones within two hours
    owed: list[tuple[str, int]] = field(default_factory=list)  # kind, booking id


def count_run(
    stores: Mapping[str, Sequence[Raw]], records: Sequence[Mapping[str, Any]], now: datetime
) -> Sums:
    sums = Sums()
    known = {(record["booking_num"], record["phone"]): record for record in records}
    for bookings in stores.values():
        for raw in bookings:
            if raw["bookingStatusCode"] in ("RC03", "RC08"):
                _count(raw, known, now, sums)
    return sums


def _count(raw: Raw, known: Mapping[tuple[str, str], Any], now: datetime, sums: Sums) -> None:
    confirmed = raw["bookingStatusCode"] == "RC03"
    sums.bookings_confirmed += confirmed
    sums.bookings_completed += not confirmed
    start = start_of(raw)
    if start is None or abs(start - now) > PLAUSIBLE or not can_be_texted(raw.get("phone")):
        sums.quarantined += 1
        return
    phone = raw["phone"]
    key = (f"{raw['businessId']}_{raw['bookingId']}", f"{phone[:3]}-{phone[3:7]}-{phone[7:]}")
    record = known.get(key)
    if not confirmed:
        names = " ".join(o["name"] for o in raw["snapshotJson"]["bookingOptionJson"])
        review = any(word in names for word in ("네이버", "인스타", "원본"))
        if now.hour == 20 and record and not record["option_sms"] and review:
            _owe("event", raw, sums)
        return
    if start <= now:
        return
    soon = start - timedelta(hours=2) <= now
    if record is None:
        sums.records_created += 1
        sums.soon += soon
    if record is None or not record["confirm_sms"]:
        _owe("confirmation", raw, sums)
    if soon and not (record and record["remind_sms"]):
        _owe("guide", raw, sums)


def _owe(kind: str, raw: Raw, sums: Sums) -> None:
    sums.messages[kind] += 1
    sums.owed.append((kind, raw["bookingId"]))


def start_of(raw: Raw) -> datetime | None:
    text = raw["snapshotJson"].get("startDateTime", "")
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text):
        return None
    return datetime.fromisoformat(text).astimezone(ZoneInfo("Asia/Seoul"))


def can_be_texted(phone: str | None) -> bool:
    national = re.sub(r"^\+82", "0", phone or "")
    return bool(re.fullmatch(r"01[016789]\d{7,8}|050[2-8]\d{7,8}", national))
