"""Invented bookings and items for the modelled legacy to decide about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from legacy.journal import Outcome
from legacy.model import decide
from legacy.ports import Item, Key, Raw
from legacy.settings import invented_texts
from sandbox.naver.bookings import a_booking

STORE = "1051707"
REVIEW = [("무료 인화지 (네이버 포토리뷰 약속 시)", 1)]
SEOUL = ZoneInfo("Asia/Seoul")
TEXTS = invented_texts("0310000000")


def local(text: str) -> datetime:
    """Read a naive Korean time, as the legacy has it."""
    return datetime.fromisoformat(text)


NOW = local("2025-10-22 14:02:15")
START = local("2025-10-22 18:00")


def a_raw(number: int = 1, start: datetime = START, *, store: str = STORE, **changes: Any) -> Raw:
    """A booking as Naver sends it; its phone tells its number."""
    values = {"phone": f"0100000{number:04}", "name": "김하나", **changes}
    return a_booking(store, number, start.replace(tzinfo=SEOUL), **values)


def key_of(number: int = 1, *, store: str = STORE) -> Key:
    return f"{store}_{number}", f"010-0000-{number:04}"


def an_item(
    number: int = 1, start: datetime = START, *, store: str = STORE, **changes: Any
) -> dict[Key, Item]:
    """The item of a booking that has its confirmation, under its key."""
    booking_num, phone = key_of(number, store=store)
    item = {
        "booking_num": booking_num,
        "phone": phone,
        "name": "김하나",
        "booking_time": f"{start:%Y-%m-%d %H:%M:%S}",
        "confirm_sms": True,
        "remind_sms": False,
        "option_sms": False,
        "option_time": "",
    }
    return {(booking_num, phone): {**item, **changes}}


def decided(
    *confirmed: Raw,
    completed: Sequence[Raw] = (),
    items: Mapping[Key, Item] | None = None,
    now: datetime = NOW,
    unreadable: Iterable[Key] = (),
) -> Outcome:
    return decide(
        confirmed,
        completed,
        items or {},
        now=lambda: now,
        texts=TEXTS,
        unreadable=frozenset(unreadable),
    )


def kinds(outcome: Outcome) -> list[str]:
    return [message.kind for _, message in outcome.messages]


def before(start: datetime, **time: float) -> datetime:
    return start - timedelta(**time)


@dataclass
class Lists:
    """Naver's lists in memory, and every question that was asked."""

    confirmed: Mapping[str, Sequence[Raw]] = field(default_factory=dict)
    completed: Mapping[str, Sequence[Raw]] = field(default_factory=dict)
    uncounted: str = ""  # the store whose count fails
    asked: list[tuple[str, str, tuple[str, str] | None]] = field(default_factory=list)
    pages: int = 0

    def count(self, store_id: str, status: str, window: tuple[str, str] | None) -> int | None:
        self.asked.append((store_id, status, window))
        return None if store_id == self.uncounted else len(self._of(store_id, status))

    def page(
        self, store_id: str, status: str, *, page: int, window: tuple[str, str] | None
    ) -> list[Raw]:
        self.pages += 1
        return list(self._of(store_id, status)[page * 50 : page * 50 + 50])

    def _of(self, store_id: str, status: str) -> Sequence[Raw]:
        return (self.confirmed if status == "RC03" else self.completed).get(store_id, ())
