"""One table, two systems: ours and the modelled legacy take turns, and phones get what they get."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from legacy.model import decide as legacy_decide
from legacy.settings import invented_texts
from naverplace.domain.booking import Booking, BookingStatus, Option
from naverplace.domain.effects import RecordKey
from naverplace.domain.message_status import MessageStatus
from sandbox.naver.bookings import a_booking as a_raw
from tests.rescheduling_builders import Shop
from tests.rule_builders import DEFAULT_SENDER, STORE, a_booking, shipped, stores

REVIEW = "무료 인화지 (네이버 포토리뷰 약속 시)"
TEXTS = invented_texts(DEFAULT_SENDER, tuple(stores()))
TWO_HOURS = timedelta(hours=2)
FLAGS = {"confirmation": "confirm_sms", "guide": "remind_sms", "event": "option_sms"}


@dataclass(frozen=True)
class Now:
    """How one booking stands at Naver at this moment."""

    number: int
    start: datetime
    phone: int = 1
    status: BookingStatus = BookingStatus.CONFIRMED
    review: bool = True
    listed: bool = True
    raw_phone: str = ""  # another spelling

    @property
    def digits(self) -> str:
        return f"0100000{self.phone:04}"

    @property
    def ours(self) -> Booking:
        return a_booking(
            self.number,
            start=self.start,
            status=self.status,
            phone=self.digits,
            raw_phone=self.raw_phone or self.digits,
            options=(Option(name=REVIEW),) * self.review,
        )

    @property
    def raw(self) -> dict[str, Any]:
        return a_raw(
            STORE,
            self.number,
            self.start,
            status=self.status.value,
            phone=self.raw_phone or self.digits,
            options=[(REVIEW, 1)] * self.review,
        )


class Got(NamedTuple):
    """One message that a phone got."""

    by: str  # ours | legacy
    key: RecordKey
    kind: str
    start: datetime  # where the booking's start lay when it was sent
    at: datetime


@dataclass
class Shared:
    """The table that both write, and everything that was sent from it."""

    shop: Shop = field(default_factory=lambda: Shop(shipped()))
    got: list[Got] = field(default_factory=list)

    def ours(self, world: Sequence[Now], now: datetime, *, refused: bool = False) -> list[Got]:
        """Run ours; SENS may refuse everything meanwhile."""
        self.shop.answer = MessageStatus.REFUSED if refused else MessageStatus.ACCEPTED
        before = len(self.shop.sent)
        listed = {one.ours.key: one for one in world if one.listed}
        self.shop.run(*(one.ours for one in listed.values()), now=now)
        new = []
        for sent in self.shop.sent[before:]:
            (one,) = (n for n in listed.values() if sent.key.booking_num == n.ours.booking_num)
            assert sent.for_start in (None, one.start)
            new.append(Got("ours", sent.key, sent.kind, one.start, now))
        self.got += new
        return new

    def legacy(self, world: Sequence[Now], now: datetime, *, dies: bool = False) -> list[Got]:
        """Run the legacy on the same items; it dies when Naver lists an unreadable row (L27)."""
        listed = [one for one in world if one.listed]
        confirmed = [one.raw for one in listed if one.status is BookingStatus.CONFIRMED]
        outcome = legacy_decide(
            [*confirmed, {}] if dies else confirmed,
            [one.raw for one in listed if one.status is BookingStatus.COMPLETED],
            {(key.booking_num, key.phone): item for key, item in self.shop.items.items()},
            now=lambda: now.replace(tzinfo=None),
            texts=TEXTS,
        )
        assert bool(outcome.died) == dies
        starts = {one.ours.booking_num: one.start for one in listed}
        new = []
        for key, message in outcome.messages:
            assert key is not None
            new.append(Got("legacy", RecordKey(*key), message.kind, starts[key[0]], now))
        self.shop.items = {RecordKey(*key): dict(item) for key, item in outcome.items.items()}
        self.got += new
        return new

    def run(self, side: str, world: Sequence[Now], now: datetime) -> list[Got]:
        if side in ("legacy", "dead"):
            return self.legacy(world, now, dies=side == "dead")
        return self.ours(world, now, refused=side == "refused")

    def kinds(self, side: str, world: Sequence[Now], now: datetime) -> list[str]:
        return [got.kind for got in self.run(side, world, now)]

    def twice(self) -> list[tuple[Any, ...]]:
        """List what somebody got twice: a kind, of guides a kind for one start."""
        counted = Counter(
            (got.key, got.kind, got.start if got.kind == "guide" else None) for got in self.got
        )
        return [what for what, count in counted.items() if count > 1]

    def count(self, got: Got) -> int:
        """Count what is the same message to the same person; guides are one for each start."""
        return sum(
            (other.key, other.kind) == (got.key, got.kind)
            and (got.kind != "guide" or other.start == got.start)
            for other in self.got
        )

    def times(self, one: Now, kind: str, *, start: datetime | None = None) -> int:
        return sum(
            (got.key, got.kind) == (one.ours.key, kind) and (start is None or got.start == start)
            for got in self.got
        )


def moved(one: Now, **time: float) -> Now:
    return replace(one, start=one.start + timedelta(**time))
