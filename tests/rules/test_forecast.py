"""What the coming runs will owe is known beforehand, as long as nothing changes at Naver."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from naverplace.domain.due_messages import DueMessage
from naverplace.domain.effects import RecordKey, SendSms
from naverplace.domain.record_matching import MatchedBooking
from naverplace.pipeline.steps import AHEAD
from naverplace.rules.engine import PERIOD, RuleEngine
from tests.rule_builders import NOW, a_booking, a_record, a_rule, a_rulebook, at, completed, shipped

MINUTES = st.integers(-120, 60 * 12)
BOOKINGS = st.lists(st.tuples(MINUTES, st.booleans(), st.booleans()), max_size=6)


@given(BOOKINGS, st.integers(0, 23))
def test_law_what_is_forecast_is_what_the_coming_runs_decide(
    drawn: list[tuple[int, bool, bool]], hour: int
) -> None:
    now = NOW.replace(hour=hour)
    engine = RuleEngine(shipped())
    matches = []
    for number, (minutes, done, guided) in enumerate(drawn, 1):
        start = now + timedelta(minutes=minutes)
        done = done and start <= now  # nobody has been there before
        booking = completed(number, start=start) if done else a_booking(number, start=start)
        values = {"booking_time": f"{start:%F %T}", "confirm_sms": True, "remind_sms": guided}
        matches.append(MatchedBooking(booking, a_record(booking, **values)))

    coming: dict[tuple[RecordKey, str], DueMessage] = {}
    for count in range(AHEAD // PERIOD + 1):
        moment = now + count * PERIOD
        for effect in engine.decide(matches, now=moment, served={}).effects:
            if isinstance(effect, SendSms):
                coming.setdefault((effect.key, effect.kind), DueMessage.of(effect, moment))

    assert due(engine, matches, now) == set(coming.values())


def due(engine: RuleEngine, matches: list[MatchedBooking], now: datetime) -> set[DueMessage]:
    """List what the watchdog is told to wait for."""
    coming = engine.coming(matches, now=now, until=now + AHEAD, completed=False)
    return {DueMessage.of(message.effect, message.at) for message in coming}


def test_a_new_booking_gets_its_guide_although_it_has_no_record_yet() -> None:
    booking = a_booking(start=at("2025-10-22 18:07"))

    coming = due(RuleEngine(shipped()), [MatchedBooking(booking, None)], NOW)

    assert DueMessage(booking.key, "guide", at("2025-10-22 16:07"), booking.start) in coming


def test_a_text_with_hours_of_its_own_is_due_when_they_begin(tmp_path: Path) -> None:
    text = 'templates: {note: {text: "{{ booking.start }}", send_between: ["16:30", "21:00"]}}\n'
    book = a_rulebook(tmp_path, a_rule("booking_in_db", "send_sms: note"), templates=text)
    booking = a_booking()

    coming = due(RuleEngine(book), [MatchedBooking(booking, a_record(booking))], NOW)

    opens, closes = at("2025-10-22 16:30"), at("2025-10-22 21:00")
    assert coming == {DueMessage(booking.key, "note", opens, closes)}
