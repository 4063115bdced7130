"""When the watchdog says that the legacy is dead; a living one is never called so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from legacy.model import decide
from naverplace.domain.due_messages import DueMessage, due_messages
from naverplace.domain.records import Record, read_record
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.jobs.watchdog.dead_legacy import WINDOW, LegacyDuties
from naverplace.ledger.store_state import LEGACY, Ownership
from tests.examples import examples
from tests.handback_world import TEXTS, Now
from tests.rule_builders import STORE, at

START = at("2025-10-22 15:00")
DUE = START - timedelta(hours=2)
RUN = timedelta(minutes=15)  # the longest
SURE = DUE + timedelta(minutes=36)  # the run that owed the guide is over
ONE = Now(1, START)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def record(one: Now, **values: Any) -> Record:
    key = one.ours.key
    item = {"booking_num": key.booking_num, "phone": key.phone, "name": "-", "confirm_sms": True}
    flags = {"remind_sms": False, "option_sms": False}
    return read_record({**item, **flags, "booking_time": f"{one.start:%F %T}", **values})


def missed(
    *records: Record,
    now: datetime = SURE,
    listed: Sequence[Now] = (ONE,),
    age: timedelta = timedelta(minutes=10),
    since: datetime | None = None,
    log: Sequence[SmsLogEntry] = (),
) -> int:
    guides = [DueMessage(o.ours.key, "guide", o.start - WINDOW, o.start) for o in listed]
    due = due_messages(now - age, guides, by_legacy=True)
    owned, keys = Ownership(LEGACY, since=since), {guide.key for guide in guides}
    found = {one.key: one for one in records if one.key in keys}
    return LegacyDuties(now, RUN, {STORE: (owned, due)}, found).missed(log).get(STORE, 0)


def sent(one: Now, when: datetime) -> SmsLogEntry:
    return SmsLogEntry("r", "m", when, one.digits)


def test_a_guide_that_a_whole_run_has_passed_over_shows_that_it_died() -> None:
    assert missed(record(ONE)) == 1
    assert missed(record(ONE), now=DUE + minutes(34)) == 0
    assert missed(record(ONE), now=START) == 0


def test_where_nothing_is_owed_a_dead_legacy_is_not_told() -> None:
    assert missed(record(ONE, remind_sms=True)) == 0
    assert missed(record(ONE), now=START - minutes(300)) == 0
    assert missed() == 0


def test_a_booking_that_was_cancelled_before_that_run_began_is_not_owed() -> None:
    assert missed(record(ONE), listed=()) == 0
    assert missed(record(ONE), age=minutes(20)) == 0  # it may have been cancelled since


def test_a_new_booking_at_the_time_of_a_cancelled_one_is_not_taken_for_it() -> None:
    new = replace(ONE, number=2, phone=2)

    assert missed(record(ONE), listed=[new]) == 0
    assert missed(record(ONE), record(new, remind_sms=True), listed=[new]) == 0


def test_new_bookings_that_a_dead_legacy_never_met_hide_no_guide_that_it_owed() -> None:
    assert missed(record(ONE), listed=[ONE, replace(ONE, number=2, phone=2)]) == 1


def test_what_the_legacy_looks_away_from_is_not_owed() -> None:
    """L12: what is neither True nor False in the table."""
    assert missed(record(ONE, remind_sms=1)) == 0
    assert missed(record(ONE, remind_sms=None)) == 0


def test_a_message_of_the_legacy_shows_a_run_that_lived_since() -> None:
    other = Now(2, START + minutes(200), phone=2)
    both = (record(ONE), record(other))

    assert missed(*both, listed=[ONE, other], log=[sent(other, DUE + minutes(1))]) == 0
    assert missed(*both, listed=[ONE, other], log=[sent(other, DUE - minutes(5))]) == 1
    stranger = replace(other, phone=3)
    assert missed(*both, listed=[ONE, other], log=[sent(stranger, DUE + minutes(1))]) == 1


def test_a_store_that_was_handed_back_just_now_owes_nothing_yet() -> None:
    assert missed(record(ONE), since=SURE - minutes(30)) == 0
    assert missed(record(ONE), since=SURE - minutes(40)) == 1


@dataclass(frozen=True)
class Life:
    """A booking from when it is made until it is cancelled, and where it moves meanwhile."""

    number: int
    made: int  # minutes from the morning
    start: int
    cancelled: int | None
    moves: int | None  # when
    to: int

    def at(self, minute: int) -> Now | None:
        if minute < self.made or (self.cancelled is not None and minute >= self.cancelled):
            return None
        moved = self.moves is not None and minute >= self.moves
        start = self.to if moved else self.start
        return Now(self.number, MORNING + minutes(start), phone=self.number)


MORNING = at("2025-10-22 09:00")
SLOTS = st.sampled_from(range(60, 600, 30))
MINUTE = st.integers(-600, 600)
LIVES = st.lists(
    st.tuples(MINUTE, SLOTS, st.none() | MINUTE, st.none() | MINUTE, SLOTS),
    min_size=1,
    max_size=8,
).map(lambda drawn: [Life(number, *parts) for number, parts in enumerate(drawn, 1)])


def legacy_runs(
    lives: Sequence[Life], moments: Sequence[int]
) -> tuple[list[Record], list[SmsLogEntry]]:
    items: dict[Any, Any] = {}
    log: list[SmsLogEntry] = []
    for minute in moments:
        now = MORNING + minutes(minute)
        listed = [one for life in lives if (one := life.at(minute)) and one.start > now]
        outcome = decide(
            [one.raw for one in listed],
            [],
            items,
            now=lambda now=now: now.replace(tzinfo=None),  # type: ignore[misc]
            texts=TEXTS,
        )
        items = dict(outcome.items)
        log += [SmsLogEntry("r", "m", now, message.to) for _, message in outcome.messages]
    return [read_record(item) for item in items.values()], log


@settings(deadline=None, max_examples=examples(2000))
@given(LIVES, st.integers(0, 19), st.integers(0, 45), st.integers(100, 560), st.booleans())
def test_law_a_legacy_that_lives_is_never_called_dead(
    lives: list[Life], phase: int, age: int, watched: int, sens_answers: bool
) -> None:
    """Whatever is booked, moved and cancelled, also into the time of a cancelled one."""
    records, log = legacy_runs(lives, range(phase - 600, watched + 1, 20))
    batch = watched - age
    listed = [one for life in lives if (one := life.at(batch)) and one.start > at_minute(batch)]
    moved = any(life.moves is not None for life in lives)

    count = missed(
        *records,
        now=at_minute(watched),
        listed=listed,
        age=minutes(age),
        log=log if sens_answers or moved else (),
    )

    assert count == 0


def at_minute(minute: int) -> datetime:
    return MORNING + minutes(minute)


@settings(deadline=None, max_examples=examples(1000))
@given(LIVES, st.integers(0, 19), st.integers(0, 100), st.integers(200, 560))
def test_law_a_dead_one_is_called_so_when_a_guide_was_owed(
    lives: list[Life], phase: int, died: int, watched: int
) -> None:
    still = [replace(life, made=-600, cancelled=None, moves=None) for life in lives]
    records, log = legacy_runs(still, range(phase - 600, died, 20))
    now = at_minute(watched)
    listed = [one for life in still if (one := life.at(watched)) and one.start > now]
    guided = {r.key.booking_num for r in records if r.remind_sms}
    owed = [
        one
        for one in listed
        if one.ours.booking_num not in guided and now + minutes(75) > one.start
    ]

    assert missed(*records, now=now, listed=listed, age=minutes(10), log=log) >= len(owed)
