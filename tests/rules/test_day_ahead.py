"""A day is forecast, lived through run by run, and scored: what the forecast missed is not ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naverplace.base.registry import Registry
from naverplace.domain.booking import Booking, BookingStatus
from naverplace.domain.carried_out import carried_out
from naverplace.domain.effects import SendSms
from naverplace.domain.forecasts import (
    Forecast,
    MessageName,
    marks_of,
    read_forecast,
)
from naverplace.domain.record_matching import MatchedBooking
from naverplace.domain.records import Record
from naverplace.pipeline.forecasts import kinds_of_completed
from naverplace.reporting.forecast_score import (
    FORESEEN,
    HIT,
    SENT,
    Miss,
    StoreOutcome,
    score_forecast,
    score_words,
)
from naverplace.rules import rescheduling
from naverplace.rules.conditions import CONDITIONS, Context, Evaluation
from naverplace.rules.engine import PERIOD, RuleEngine
from naverplace.rules.rulebook import Rulebook, load_rulebook
from tests.examples import examples
from tests.rule_builders import (
    STORE,
    a_booking,
    a_rule,
    a_rulebook,
    at,
    completed,
    shipped,
    stores,
)

EVENING = at("2025-10-22 21:07")
DAY = timedelta(hours=24)


class Shop:
    """Bookings at Naver and their records; runs send what they owe, and SENS takes it."""

    def __init__(self, book: Rulebook, bookings: list[Booking]) -> None:
        self.engine, self.book = RuleEngine(book), book
        self.bookings = {booking.booking_num: booking for booking in bookings}
        self.records: dict[str, Record | None] = {}

    def listed(self, now: datetime) -> list[MatchedBooking]:
        for number, booking in self.bookings.items():
            if booking.status is BookingStatus.CONFIRMED and (booking.end or booking.start) <= now:
                done = booking.model_copy(update={"status": BookingStatus.COMPLETED})
                self.bookings[number] = done
        return [MatchedBooking(b, self.records.get(n)) for n, b in self.bookings.items()]

    def run(self, now: datetime) -> set[MessageName]:
        sent = set()
        for booking, record in self.listed(now):
            match = MatchedBooking(booking, record)
            effects = self.engine.decide([match], now=now, served={}).effects
            if record and (plan := rescheduling.plan_reschedule(record, booking, now=now)):
                record = plan.record
            self.records[booking.booking_num] = carried_out(record, effects, at=now)
            sends = [e for e in effects if isinstance(e, SendSms)]
            sent |= {MessageName(e.key.booking_num, e.kind) for e in sends}
        return sent

    def forecast(self, now: datetime) -> Forecast:
        matches = self.listed(now)
        coming = RuleEngine(self.book).coming(matches, now=now, until=now + DAY + PERIOD)
        messages = {MessageName(m.effect.key.booking_num, m.effect.kind): m.at for m in coming}
        marks = marks_of(match.booking for match in matches)
        made = Forecast(STORE, now, now + DAY + PERIOD, "v1", messages, marks)
        assert read_forecast(STORE, made.as_item()) == made
        return made


def live(
    shop: Shop, events: Mapping[int, list[tuple[str, int, int]]]
) -> tuple[Counter[str], set[MessageName]]:
    """Forecast in the evening, live a day with its events by run, and score."""
    shop.run(EVENING)
    forecast = shop.forecast(EVENING)
    sent: set[MessageName] = set()
    for count in range(1, DAY // PERIOD + 1):
        now = EVENING + count * PERIOD
        for what, number, minutes in events.get(count, ()):
            happen(shop, what, number, now + timedelta(minutes=minutes))
        sent |= shop.run(now)
    outcome = StoreOutcome(now, frozenset(sent), frozenset(), shop.bookings, rulebook="v1")
    return score_forecast(forecast, outcome), sent


def happen(shop: Shop, what: str, number: int, start: datetime) -> None:
    booking = shop.bookings.get(f"{STORE}_{number}")
    start = start.replace(second=0)
    if what == "book" and booking is None:
        new = a_booking(number, start=start, end=start + timedelta(hours=1))
        shop.bookings[new.booking_num] = new
    elif booking and booking.status is BookingStatus.CONFIRMED and what == "move":
        moved = {"start": start, "end": start + timedelta(hours=1)}
        shop.bookings[booking.booking_num] = booking.model_copy(update=moved)
    elif booking and booking.status is BookingStatus.CONFIRMED and what == "cancel":
        del shop.bookings[booking.booking_num]


STARTS = st.lists(st.tuples(st.integers(-600, 60 * 40), st.booleans()), max_size=5)
EVENTS = st.dictionaries(
    st.integers(1, 72),
    st.lists(
        st.tuples(
            st.sampled_from(["book", "move", "cancel"]), st.integers(1, 8), st.integers(20, 2400)
        ),
        max_size=2,
    ),
    max_size=6,
)
OWN = a_rule("{current_hour: 9}, date_is_today", "send_sms: morning", name="morning") + a_rule(
    "booking_in_db, starts_in_future", "send_sms: hours", name="hours"
)
THEN = "{{send_sms: {{template: note, once: {0}}}}}"
TEXTS = (
    'templates:\n  morning: {text: "{{ booking.start }} 1"}\n'
    '  hours: {text: "{{ booking.start }} 2", send_between: ["10:10", "18:00"]}\n'
)


@settings(max_examples=examples(300))
@given(STARTS, EVENTS)
def test_law_no_miss_of_a_simulated_day_is_ours(
    drawn: list[tuple[int, bool]], events: dict[int, list[tuple[str, int, int]]]
) -> None:
    bookings = []
    for number, (minutes, reviewed) in enumerate(drawn, 1):
        start = (EVENING + timedelta(minutes=minutes)).replace(second=0)
        options = completed().options if reviewed else ()
        end = start + timedelta(hours=1)
        bookings.append(a_booking(number, start=start, end=end, options=options))

    counts, sent = live(Shop(shipped(), bookings), events)

    assert counts[Miss.OURS] == 0
    misses = sum(counts[miss] for miss in Miss)
    assert misses == counts[FORESEEN] + counts[SENT] - 2 * counts[HIT]
    assert counts[SENT] == len(sent)
    if not any(events.values()):
        assert misses == 0


def test_each_cause_is_told_in_the_digests_words() -> None:
    start = EVENING.replace(hour=15, second=0) + timedelta(days=1)
    bookings = [a_booking(n, start=start, end=start + timedelta(hours=1)) for n in (1, 2, 3)]
    events = {3: [("book", 4, 600), ("move", 1, 3000), ("cancel", 2, 0)]}

    counts, _ = live(Shop(shipped(), bookings), events)

    expected = {FORESEEN: 3, HIT: 1, SENT: 3, Miss.NEW: 2, Miss.CHANGED: 1, Miss.CANCELLED: 1}
    assert +counts == Counter({str(name): count for name, count in expected.items()})
    assert score_words(counts) == (
        "예보 3건 가운데 1건 맞음 (정밀도 33%, 재현율 33%); 빗나감: 새 예약 2, 예약 변경 1, 취소 1"
    )


@pytest.mark.parametrize(
    ("kind", "due", "cause"),
    [("event", "20:00", Miss.NOT_COMPLETED), ("guide", "16:00", Miss.OURS)],
)
def test_only_what_waits_for_the_completion_is_missed_because_it_came_late(
    kind: str, due: str, cause: Miss
) -> None:
    start = at("2025-10-23 18:00")
    done = {"status": BookingStatus.COMPLETED, "completed_at": at("2025-10-23 20:50")}
    booking = a_booking(start=start, end=at("2025-10-23 19:00")).model_copy(update=done)
    foreseen = {MessageName(booking.booking_num, kind): at(f"2025-10-23 {due}")}
    forecast = Forecast(STORE, EVENING, EVENING + DAY, "v1", foreseen, marks_of([booking]))
    now = at("2025-10-23 21:07")
    listed = {booking.booking_num: booking}
    outcome = StoreOutcome(now, frozenset(), frozenset(), listed, rulebook="v1")

    assert score_forecast(forecast, outcome)[cause] == 1


@pytest.mark.parametrize(("kind", "cause"), [("event", Miss.NOT_COMPLETED), ("guide", Miss.OURS)])
def test_only_what_is_sent_for_completed_bookings_was_sent_because_of_a_slip_put_right(
    kind: str, cause: Miss
) -> None:
    booking = a_booking(start=at("2025-10-25 18:00"))
    forecast = Forecast(STORE, EVENING, EVENING + DAY, "v1", {}, marks_of([booking]))
    outcome = StoreOutcome(
        EVENING + DAY,
        frozenset({MessageName(booking.booking_num, kind)}),
        frozenset(),
        {booking.booking_num: booking},
        rulebook="v1",
        of_completed=kinds_of_completed(shipped().rules),
    )

    assert score_forecast(forecast, outcome)[cause] == 1


def test_the_guide_of_a_booking_that_was_moved_and_moved_back_is_no_fault_of_the_forecast() -> None:
    booking = a_booking(start=at("2025-10-25 18:00"))
    forecast = Forecast(STORE, EVENING, EVENING + DAY, "v1", {}, marks_of([booking]))
    guide = frozenset({MessageName(booking.booking_num, "guide")})
    listed = {booking.booking_num: booking}
    outcome = StoreOutcome(EVENING + DAY, guide, frozenset(), listed, rulebook="v1")

    assert score_forecast(forecast, outcome)[Miss.OURS] == 1
    moved = replace(outcome, for_another_start=guide)
    assert score_forecast(forecast, moved)[Miss.CHANGED] == 1


def test_a_booking_that_was_completed_before_its_start_by_a_slip_has_changed_since() -> None:
    start = at("2025-10-23 18:00")
    slip = a_booking(start=start, status=BookingStatus.COMPLETED, completed_at=EVENING)

    assert marks_of([slip]) != marks_of([slip.model_copy(update={"completed_at": None})])


def test_hours_of_a_text_and_of_a_rule_are_foreseen(tmp_path: Path) -> None:
    start = EVENING.replace(hour=15, second=0) + timedelta(days=1)
    rules = a_rule("booking_status: RC03", "create_db_record", name="record") + OWN
    book = a_rulebook(tmp_path, rules, templates=TEXTS)

    coming = RuleEngine(book).coming(
        [MatchedBooking(a_booking(start=start), None)], now=EVENING, until=EVENING + DAY
    )

    assert [(m.effect.kind, m.at) for m in coming] == [
        ("morning", at("2025-10-23 09:00")),
        ("hours", at("2025-10-23 10:10")),
    ]


def test_what_is_sent_makes_other_rules_true_now_and_later(tmp_path: Path) -> None:
    sent = "{{not: {{flag_not_set: {0}}}}}".format
    rules = (
        a_rule(f"{sent('option_sms')}, {{time_before_booking: 1}}", "send_sms: note", "d")
        + a_rule(f"{sent('remind_sms')}, {{flag_not_set: option_sms}}", THEN.format("event"), "c")
        + a_rule(f"{sent('confirm_sms')}, {{flag_not_set: remind_sms}}", THEN.format("guide"), "b")
        + a_rule("flag_not_set: confirm_sms", "create_db_record, send_sms: confirmation", "a")
    )
    start = EVENING.replace(minute=0) + timedelta(hours=3)
    booking = a_booking(start=start, end=start + timedelta(hours=1))

    coming = RuleEngine(a_rulebook(tmp_path, rules)).coming(
        [MatchedBooking(booking, None)], now=EVENING, until=EVENING + DAY
    )

    assert [(m.effect.kind, m.at) for m in coming] == [
        ("confirmation", EVENING),
        ("event", EVENING),
        ("guide", EVENING),
        ("note", start - timedelta(hours=1)),
    ]


@pytest.mark.parametrize("status", BookingStatus)
def test_only_a_confirmed_booking_is_taken_for_completed_from_its_end_on(
    tmp_path: Path, status: BookingStatus
) -> None:
    book = a_rulebook(tmp_path, a_rule("booking_status: RC08", "create_db_record, send_sms: note"))
    end = EVENING + timedelta(hours=2)
    booking = a_booking(start=EVENING + timedelta(hours=1), end=end, status=status)

    coming = RuleEngine(book).coming([MatchedBooking(booking, None)], now=EVENING, until=end)

    moments = {BookingStatus.CONFIRMED: [end], BookingStatus.COMPLETED: [EVENING]}
    assert [m.at for m in coming] == moments.get(status, [])


def test_a_condition_that_names_no_moments_is_asked_as_the_runs_will_ask_it(
    tmp_path: Path,
) -> None:
    registry, asked = Registry("condition"), set()
    registry.update(CONDITIONS)

    @registry
    def is_late(ctx: Context) -> Evaluation:
        """Note when it is asked, and hold never.

        - is_late
        """
        asked.add(f"{ctx.now:%H:%M}")
        return Evaluation(False)

    a_rulebook(tmp_path, a_rule("booking_in_db"))
    (tmp_path / "r.yaml").write_text(a_rule("is_late"), "utf-8")
    book = load_rulebook(tmp_path, stores(), fields=[], conditions=registry)
    booking = a_booking(start=at("2025-10-22 21:40"), end=at("2025-10-22 22:30"))

    RuleEngine(book, conditions=registry).coming(
        [MatchedBooking(booking, None)], now=EVENING, until=EVENING + 5 * PERIOD
    )

    assert sorted(asked) == ["21:07", "21:27", "21:47", "22:07", "22:27", "22:30", "22:47"]
