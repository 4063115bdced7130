"""How good a forecast was: precision, recall, and why each message was missed; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from naverplace.domain.booking import Booking, BookingStatus
from naverplace.domain.forecasts import Forecast, MessageName, mark_of

LATE = timedelta(hours=2)  # a run that comes so long after a forecast's end scores it no more
FORESEEN, HIT, SENT = "foreseen", "hit", "sent"


class Miss(StrEnum):
    """Why a message was sent and not forecast, or forecast and not sent."""

    NEW = "new"  # booked since
    CHANGED = "changed"  # moved, or other options
    CANCELLED = "cancelled"
    PAUSED = "paused"
    RULES = "rules"  # other rules are in force since
    NOT_COMPLETED = "not_completed"  # Naver has completed it at another time
    UNSENT = "unsent"  # owed as forecast, and not taken: SENS, a cap, no run at that time
    OURS = "ours"  # the forecast was wrong


LABELS = {
    Miss.NEW: "새 예약",
    Miss.CHANGED: "예약 변경",
    Miss.CANCELLED: "취소",
    Miss.PAUSED: "일시 정지",
    Miss.RULES: "규칙 변경",
    Miss.NOT_COMPLETED: "이용 완료 시각",
    Miss.UNSENT: "보내지 못함",
    Miss.OURS: "예보 잘못",
}


@dataclass(frozen=True)
class StoreOutcome:
    """What has become of a store's messages since a forecast."""

    now: datetime  # what was due until then was decided about
    sent: frozenset[MessageName]
    unsent: frozenset[MessageName]  # owed, and not taken by SENS
    bookings: Mapping[str, Booking] = field(repr=False)  # that are listed now
    paused: bool = False
    rulebook: str = ""
    for_another_start: frozenset[MessageName] = frozenset()  # of these sent: moved, and back since
    of_completed: frozenset[str] = frozenset()  # kinds that only a completed booking is sent


def score_forecast(forecast: Forecast, outcome: StoreOutcome) -> Counter[str]:
    """Count what was foreseen, sent and both, and the misses by cause; empty when it is too old."""
    if outcome.now > forecast.until + LATE:
        return Counter()
    foreseen = {name for name, due in forecast.messages.items() if due <= outcome.now}
    counts = Counter({FORESEEN: len(foreseen), SENT: len(outcome.sent)})
    counts[HIT] = len(foreseen & outcome.sent)
    counts.update(_why_not_sent(forecast, outcome, name) for name in foreseen - outcome.sent)
    counts.update(_why_sent(forecast, outcome, name) for name in outcome.sent - foreseen)
    return counts


def _why_not_sent(forecast: Forecast, outcome: StoreOutcome, name: MessageName) -> Miss:
    booking = outcome.bookings.get(name.booking_num)
    if booking is None:
        return Miss.CANCELLED
    if outcome.paused:
        return Miss.PAUSED
    if cause := _changed(forecast, outcome, booking):
        return cause
    if name in outcome.unsent:
        return Miss.UNSENT
    end, due = booking.end or booking.start, forecast.messages[name]
    late = end <= outcome.now and booking.status is BookingStatus.CONFIRMED
    after = booking.completed_at is not None and end <= due < booking.completed_at
    return Miss.NOT_COMPLETED if late or after else Miss.OURS


def _why_sent(forecast: Forecast, outcome: StoreOutcome, name: MessageName) -> Miss:
    booking = outcome.bookings.get(name.booking_num)
    if name.booking_num not in forecast.marks:
        return Miss.NEW
    if booking is None:  # sent, and cancelled since: how it was then is not known
        return Miss.CANCELLED
    if cause := _changed(forecast, outcome, booking):
        return cause
    if name in outcome.for_another_start:
        return Miss.CHANGED
    completed = booking.status is BookingStatus.COMPLETED
    early = completed and (booking.end or booking.start) > outcome.now
    by_a_slip = not completed and name.kind in outcome.of_completed
    return Miss.NOT_COMPLETED if early or by_a_slip else Miss.OURS


def _changed(forecast: Forecast, outcome: StoreOutcome, booking: Booking) -> Miss | None:
    if forecast.marks.get(booking.booking_num) != mark_of(booking):
        return Miss.CHANGED
    return Miss.RULES if forecast.rulebook != outcome.rulebook else None


def score_words(counts: Mapping[str, int]) -> str:
    """Word the score of a day for the digest; '' when nothing was foreseen or sent."""
    foreseen, sent, hit = (counts.get(name, 0) for name in (FORESEEN, SENT, HIT))
    if not (foreseen or sent):
        return ""
    misses = [f"{LABELS[miss]} {counts[miss]}" for miss in Miss if counts.get(miss)]
    words = f"예보 {foreseen}건 가운데 {hit}건 맞음 (정밀도 {_share(hit, foreseen)}, "
    words += f"재현율 {_share(hit, sent)})"
    return f"{words}; 빗나감: {', '.join(misses)}" if misses else words


def _share(part: int, whole: int) -> str:
    return f"{100 * part // whole}%" if whole else "-"
