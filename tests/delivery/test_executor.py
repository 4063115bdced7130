"""Carrying out one effect to the moment: the outside is a value, and may meddle between writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from naverplace.base.errors import (
    OutcomeUnknown,
    Permanent,
    Refused,
    TooLate,
)
from naverplace.base.stopping import StopRequest
from naverplace.domain.effects import (
    CreateRecord,
    Effect,
    MarkExpired,
    MoveRecord,
    Notify,
    RecordKey,
    Reserve,
    SendSms,
    SetFlag,
)
from naverplace.domain.records import LedgerEntry
from naverplace.domain.results import ActionResult
from naverplace.ledger.caps import CapReached
from naverplace.ledger.pauses import Pause, set_pause
from naverplace.ledger.reservations import LEFT, sortable_timestamp
from naverplace.ledger.store_lock import StoreLocks
from naverplace.settings.sections import CutoverSettings, LedgerSettings
from tests.delivery_builders import STORE, item_of, key_of
from tests.values_outside import AWAY, KEY, NOON, SECOND, TICK, Outside, a_send

BESIDE_LEGACY: dict[str, Any] = {"owner": {"owner": "new"}}


@pytest.fixture
def outside() -> Outside:
    return Outside()


def ends(results: list[ActionResult]) -> list[str]:
    return [result.outcome.value for result in results]


def told(result: ActionResult) -> tuple[str, str]:
    return result.outcome.value, result.message


CREATE = CreateRecord(KEY, "r", item_of(1))
SET = SetFlag(KEY, "r", "confirm_sms", value=True)
MOVE = MoveRecord(KEY, "2025-10-22 15:30:00", sets={"booking_time": "2025-10-23 15:30:00"})
EXPIRE = MarkExpired(KEY, "r", "guide", STORE, NOON, NOON, "its time is over")
RESERVE = Reserve(KEY, ("remind_sms",), item_of(1))


@pytest.mark.parametrize("effect", [CREATE, SET, MOVE, EXPIRE, RESERVE, a_send()])
def test_a_run_that_is_asked_to_end_begins_nothing(effect: Effect, outside: Outside) -> None:
    stop = StopRequest()
    stop.ask("a signal")

    result = outside.executor(stop=stop).execute(effect)

    assert told(result) == ("skipped", "not begun, the next run goes on: a signal")
    assert outside.client.writes == len(outside.sens.sent) == 0


def test_bookings_are_served_one_after_the_other_unless_it_is_said(outside: Outside) -> None:
    assert outside.executor().parallel == 1


@pytest.mark.parametrize("waits", ["", "a message is unsettled"])
def test_without_a_right_record_nothing_more_is_done_for_a_booking(
    waits: str, outside: Outside
) -> None:
    executor = outside.executor()

    moved = executor.execute(replace(MOVE, waits=waits))
    after = executor.execute(a_send())

    assert told(moved) == (
        ("skipped", waits) if waits else ("failed", "its record has changed since it was read")
    )
    assert told(after) == (
        "failed",
        "not tried: the booking's record was not moved to its new time",
    )
    assert executor.execute(a_send(2)).outcome == "accepted"


def test_a_record_that_cannot_be_created_stops_its_booking(outside: Outside) -> None:
    executor = outside.executor()

    def fail() -> None:
        raise AWAY

    outside.client.once(fail)

    results = [executor.execute(effect) for effect in (CREATE, a_send(), a_send(2))]

    assert ends(results) == ["failed", "failed", "accepted"]
    assert results[1].message == "not tried: the booking's record was not created"


@pytest.mark.parametrize("first", [CREATE, SET, MOVE])
def test_a_record_that_is_there_or_was_moved_or_a_flag_that_failed_stops_nothing(
    first: Effect, outside: Outside
) -> None:
    if first is not SET:
        outside.put()
    executor = outside.executor()

    results = [executor.execute(first), executor.execute(a_send())]

    assert ends(results) == [
        {id(CREATE): "skipped", id(SET): "failed", id(MOVE): "written"}[id(first)],
        "accepted",
    ]


def a_notice(number: int) -> Notify:
    return Notify(
        key_of(number), "r", "roster", "telegram", STORE, f"line {number}", item_of(number)
    )


def test_a_notice_says_what_was_not_said_yet_and_nothing_when_all_was(outside: Outside) -> None:
    outside.executor().notify("telegram", [a_notice(1)])

    second = outside.executor().notify("telegram", [a_notice(1), a_notice(2), a_notice(3)])
    third = outside.executor().notify("telegram", [a_notice(1), a_notice(2)])

    assert ends(second) == ["skipped", "accepted", "accepted"]
    assert ends(third) == ["skipped", "skipped"]
    assert outside.channel.told == ["line 1", "line 2\nline 3"]


def test_nothing_is_told_by_a_run_that_is_asked_to_end(outside: Outside) -> None:
    stop = StopRequest()
    stop.ask("a signal")

    (result,) = outside.executor(stop=stop).notify("telegram", [a_notice(1)])

    assert (result.outcome, outside.channel.told) == ("skipped", [])


@pytest.mark.parametrize(
    ("answers", "tried"),
    [
        ([AWAY, AWAY, AWAY, None, None], 3),
        ([AWAY, AWAY, None, AWAY, AWAY, None], 6),
        ([OutcomeUnknown("no answer")] * 3 + [None], 3),
        ([Refused("key", code="401")] * 3 + [None], 3),
        ([Refused("text", code="400")] * 4, 4),
        ([TooLate("signed too late")] * 4, 4),
    ],
)
def test_a_service_that_fails_three_times_in_a_row_is_asked_no_more(
    answers: list[Any], tried: int, outside: Outside
) -> None:
    outside.sens.answers = [answer or (lambda: None) for answer in answers]
    executor = outside.executor()

    results = [executor.execute(a_send(number + 1)) for number in range(len(answers))]

    assert len(outside.sens.sent) == tried
    assert [r.message.startswith("not tried: SENS") for r in results] == [
        number >= tried for number in range(len(answers))
    ]


@pytest.mark.parametrize(
    ("at_end", "error", "tried"),
    [
        (None, AWAY, 3),
        (None, Permanent("no such table"), 5),
        (AWAY, AWAY, 3),
        (Permanent("no such table"), AWAY, 4),
    ],
)
def test_a_table_that_is_away_three_times_in_a_row_is_asked_no_more(
    at_end: Exception | None, error: Exception, tried: int, outside: Outside
) -> None:
    for number in range(1, 6):
        outside.client.tables["sms"][tuple(key_of(number))] = item_of(number)
    executor = outside.executor()

    def fail() -> None:
        if at_end is None or results:
            raise error
        if outside.sens.sent:
            raise at_end

    results: list[ActionResult] = []
    outside.client.before_write = fail
    for number in range(1, 6):
        results.append(executor.execute(a_send(number)))
    (notice,) = executor.notify("telegram", [a_notice(9)])

    away = [r.message.startswith("not tried: DynamoDB") for r in [*results, notice]]
    assert away == [False] * tried + [True] * (5 - tried) + [tried < 5]
    assert ends(results) == ["in_doubt" if at_end else "failed", *["failed"] * 4]
    assert len(outside.sens.sent) == (1 if at_end else 0)
    words = f"the provider accepted it; not recorded in the ledger: {at_end}"
    assert told(results[0])[1] == (words if at_end else str(error))
    assert results[0].request_id == ("r1" if at_end else "")


def test_an_acceptance_that_could_not_be_written_is_written_once_more(outside: Outside) -> None:
    outside.put()

    def fail() -> None:
        raise AWAY

    outside.client.once(fail, at=2)

    result = outside.executor().execute(a_send())

    assert (result.outcome, outside.entry.state, outside.item["remind_sms"]) == (
        "accepted",
        "accepted",
        True,
    )


@pytest.mark.parametrize(
    ("expires", "outcome"),
    [
        (None, "accepted"),
        (NOON + TICK, "accepted"),
        (NOON, "skipped"),
        (NOON - TICK, "skipped"),
        (NOON + timedelta(days=1), "accepted"),
    ],
)
def test_a_message_is_sent_until_the_moment_at_which_it_expires(
    expires: datetime | None, outcome: str, outside: Outside
) -> None:
    result = outside.executor().execute(a_send(expires=expires))

    assert result.outcome == outcome
    assert bool(outside.sens.sent) is (outcome == "accepted")
    if outcome == "skipped":
        assert result.message.startswith("too late: it expired at 2025-10-22 1")


@pytest.mark.parametrize(
    ("entry", "outcome"),
    [
        (None, "skipped"),
        (LedgerEntry("owed"), "skipped"),
        (LedgerEntry("accepted"), "skipped"),
        (LedgerEntry("claimed"), "in_doubt"),
        (LedgerEntry("in_doubt"), "in_doubt"),
    ],
)
def test_what_is_too_late_stays_in_doubt_when_an_earlier_try_may_have_sent_it(
    entry: LedgerEntry | None, outcome: str, outside: Outside
) -> None:
    outside.put(**({"message_guide": entry.as_map()} if entry else {}))

    result = outside.executor().execute(a_send(expires=NOON))

    assert result.outcome == outcome
    assert "too late" in result.message


def meddling(outside: Outside, what: str, stop: StopRequest) -> None:
    """Let something happen while the claim is written."""
    if what == "it expires":
        outside.clock.go(10)
    elif what == "the store is taken":
        outside.clock.go(101)
        outside.lock("other")
    elif what == "the run is to end":
        stop.ask("a signal")


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("it expires", "too late"),
        ("the store is taken", "another run has taken over"),
        ("the run is to end", "not begun"),
        ("nothing", ""),
    ],
)
def test_what_comes_between_the_claim_and_the_send_frees_the_message(
    what: str, words: str, outside: Outside
) -> None:
    outside.put()
    stop, lock = StopRequest(), outside.lock()
    expires = NOON + 9 * SECOND if what == "it expires" else None
    outside.client.once(lambda: meddling(outside, what, stop))

    result = outside.executor(lock=lock, stop=stop).execute(a_send(expires=expires))

    assert words in result.message
    if words:
        assert (result.outcome, outside.sens.sent) == ("skipped", [])
        assert (outside.entry.state, outside.entry.refusals) == ("owed", 0)
    else:
        assert (result.outcome, outside.entry.state) == ("accepted", "accepted")


def test_what_is_sent_holds_its_store_longer_and_notes_the_leases_epoch(outside: Outside) -> None:
    outside.lock().release([])
    lock = outside.lock()
    outside.clock.go(60)

    outside.executor(lock=lock).execute(a_send())

    assert lock.lease.until == NOON + 160 * SECOND
    assert outside.entry.epoch == lock.lease.epoch == 2


def test_without_a_lease_there_is_no_epoch(outside: Outside) -> None:
    outside.executor().execute(a_send())

    assert outside.entry.epoch == 0


def test_no_message_goes_out_of_a_store_that_is_paused(outside: Outside) -> None:
    lock = outside.lock(**dict(set_pause({}, Pause(NOON, by="김하나"))))
    executor = outside.executor(lock=lock)

    result, record = executor.execute(a_send()), executor.execute(CREATE)

    assert result.outcome == "skipped"
    assert result.message.startswith("held back: ")
    assert (record.outcome, outside.sens.sent) == ("written", [])


def test_a_store_that_was_given_away_meanwhile_is_no_failure(outside: Outside) -> None:
    locks = StoreLocks(
        outside.states, run_id="r", clock=outside.clock, settings=LedgerSettings(lease_seconds=100)
    )
    lock = locks.acquire(STORE, wait=False)
    outside.states.change(STORE, lambda s: replace(s, extra={"owner": {"owner": "legacy"}}))
    outside.clock.go(60)

    result = outside.executor(lock=lock).execute(a_send())

    assert told(result) == ("skipped", "owned by legacy")
    assert outside.sens.sent == []


@pytest.mark.parametrize(
    ("access", "read_at", "rechecked"),
    [
        (True, NOON - 301 * SECOND, True),
        (True, NOON - 300 * SECOND - TICK, True),
        (True, NOON - 300 * SECOND, False),
        (True, NOON, False),
        (True, None, False),
        (False, NOON - 999 * SECOND, False),
        (False, None, False),
    ],
)
@pytest.mark.parametrize("stale", [None, "it was cancelled"])
def test_a_text_that_opens_a_door_needs_a_booking_read_within_five_minutes(
    access: bool, read_at: datetime | None, rechecked: bool, stale: str | None, outside: Outside
) -> None:
    asked: list[RecordKey] = []

    def recheck(effect: SendSms) -> str | None:
        asked.append(effect.key)
        return stale

    result = outside.executor(recheck=recheck).execute(a_send(access=access, read_at=read_at))

    assert asked == [KEY] * rechecked
    assert told(result) == (("skipped", stale) if rechecked and stale else ("accepted", ""))
    assert outside.entry.access is access if result.outcome == "accepted" else True


def test_who_cannot_read_a_booking_again_sends_it_nonetheless_and_a_naver_away_ends_it(
    outside: Outside,
) -> None:
    old = NOON - timedelta(hours=1)
    answers: list[bool] = [False, False, True, False, False, False, False]
    asked: list[RecordKey] = []

    def recheck(effect: SendSms) -> str | None:
        asked.append(effect.key)
        if not answers.pop(0):
            raise AWAY
        return None

    executor = outside.executor(recheck=recheck)
    results = [executor.execute(a_send(n, access=True, read_at=old)) for n in range(1, 8)]
    plain = outside.executor().execute(a_send(8, access=True, read_at=old))

    assert ends(results) == ["failed", "failed", "accepted", *["failed"] * 4]
    assert results[0].message == "not sent, its booking is unread: it cannot be reached"
    assert results[6].message.startswith("not tried: Naver failed 3 times in a row")
    assert len(asked) == 6
    assert plain.outcome == "accepted"


def test_a_message_makes_its_record_and_counts_what_it_wrote(outside: Outside) -> None:
    first = outside.executor().execute(a_send())
    again = outside.executor().execute(a_send())
    other = outside.executor().execute(a_send(2, item={}))

    assert (first.outcome, first.writes, first.request_id) == ("accepted", 3, "r1")
    assert (again.outcome, again.writes, again.request_id) == ("skipped", 0, "r1")
    assert told(other) == ("failed", "the booking has no record")


@pytest.mark.parametrize(
    "attributes",
    [
        {"message_guide": LedgerEntry("accepted").as_map()},
        {"message_guide": LedgerEntry("expired").as_map()},
        {"remind_sms": True},
    ],
)
def test_a_refused_claim_writes_nothing(attributes: dict[str, Any], outside: Outside) -> None:
    outside.put(**attributes)

    assert outside.executor().execute(a_send()).outcome == "skipped"
    assert outside.client.writes == 1


@pytest.mark.parametrize(
    ("age", "outcome"), [(900 * SECOND, "accepted"), (900 * SECOND - TICK, "skipped")]
)
def test_beside_the_legacy_a_message_goes_out_when_no_run_can_have_seen_its_flag_unset(
    age: timedelta, outcome: str, outside: Outside
) -> None:
    since = sortable_timestamp(NOON - age)
    outside.put(remind_sms=1, naverplace_reserved_remind_sms=since)
    executor = outside.executor(beside=[STORE], switch=CutoverSettings(legacy_run_seconds=900))

    result = executor.execute(a_send())

    assert result.outcome == outcome
    if outcome == "skipped":
        assert result.message.startswith("reserved, and sent when no run of the legacy")


def test_beside_the_legacy_no_record_is_made(outside: Outside) -> None:
    executor = outside.executor(beside=[STORE])

    results = [executor.execute(effect) for effect in (CREATE, a_send())]

    assert told(results[0]) == ("skipped", LEFT)
    assert results[1].outcome == "skipped" or outside.sens.sent == []
    assert outside.client.tables["sms"] == {}
    assert told(outside.executor(beside=[STORE]).execute(a_send())) == ("skipped", LEFT)
    elsewhere = outside.executor(beside=["951291"]).execute(CREATE)
    assert elsewhere.outcome == "written"
    assert told(outside.executor().execute(CREATE)) == ("skipped", "the record exists already")


@pytest.mark.parametrize("extra", [{}, BESIDE_LEGACY])
def test_whether_the_legacy_is_beside_says_the_store_that_is_held(
    extra: dict[str, Any], outside: Outside
) -> None:
    executor = outside.executor(lock=outside.lock(**extra), beside=[] if extra else [STORE])

    assert executor.execute(CREATE).outcome == ("skipped" if extra else "written")


@pytest.mark.parametrize(("message_type", "subject"), [("SMS", ""), ("LMS", "subject")])
@pytest.mark.parametrize(("receiver", "to"), [("booker", ""), ("visitor", "01000000001")])
def test_an_entry_names_the_content_and_a_visitors_phone(
    message_type: str, subject: str, receiver: str, to: str, outside: Outside
) -> None:
    kind: Any = "".join(list(message_type))
    whom: Any = "".join(list(receiver))
    expires, due = NOON + 30 * SECOND, NOON - SECOND
    send = a_send(message_type=kind, receiver=whom, expires=expires, due=due, for_start=NOON)

    outside.executor().execute(send)

    assert outside.entry.content_hash == f"01000000001 0310000000 {subject} text"
    assert outside.entry.to == to
    entry = outside.entry
    assert (entry.expires, entry.due, entry.for_start) == (expires, due, NOON)


@pytest.mark.parametrize(
    ("expires", "not_after"), [(None, 60), (NOON + 30 * SECOND, 30), (NOON + 90 * SECOND, 60)]
)
def test_a_send_is_signed_at_most_so_long_after_its_claim_and_never_after_it_expires(
    expires: datetime | None, not_after: int, outside: Outside
) -> None:
    outside.put()
    outside.client.once(lambda: outside.clock.go(10))

    outside.executor(ledger=LedgerSettings(send_seconds=60)).execute(a_send(expires=expires))

    assert outside.sens.sent[0]["not_after"] == NOON + not_after * SECOND


@dataclass
class Caps:
    """Caps that note who is counted."""

    counted: list[str] = field(default_factory=list)
    full: bool = False

    @contextmanager
    def counting(self, to: str) -> Iterator[None]:
        """Count a phone. Raises CapReached."""
        self.counted.append(to)
        if self.full:
            raise CapReached("phone", "too many")
        yield


@pytest.mark.parametrize("full", [False, True])
def test_every_message_is_counted_for_its_phone(full: bool, outside: Outside) -> None:
    caps = Caps(full=full)

    result = outside.executor(caps=caps).execute(a_send())

    assert caps.counted == ["01000000001"]
    assert result.outcome == ("capped" if full else "accepted")
    assert outside.entry.state == ("owed" if full else "accepted")


@pytest.mark.parametrize(
    ("answer", "outcome", "state", "refusals"),
    [
        (None, "accepted", "accepted", 0),
        (OutcomeUnknown("no answer"), "in_doubt", "in_doubt", 0),
        (Refused("text", code="400"), "refused", "refused", 1),
        (Refused("key", code="401"), "refused", "owed", 0),
        (AWAY, "failed", "owed", 0),
    ],
)
@pytest.mark.parametrize("stolen", [False, True])
def test_how_a_send_ended_is_recorded_and_only_an_unrecorded_acceptance_is_in_doubt(
    answer: Exception | None,
    outcome: str,
    state: str,
    refusals: int,
    stolen: bool,
    outside: Outside,
) -> None:
    outside.put()
    theirs = LedgerEntry("claimed", token="theirs").as_map()

    def answering() -> None:
        if stolen:
            outside.put(message_guide=theirs)
        if answer:
            raise answer

    outside.sens.answers = [answering]

    result = outside.executor().execute(a_send())

    if stolen:
        assert result.outcome == ("in_doubt" if outcome == "accepted" else outcome)
        assert ("not ours any more" in result.message) is (outcome == "accepted")
        assert (outside.entry.token, result.writes) == ("theirs", 1)
    else:
        assert result.outcome == outcome
        assert (outside.entry.state, outside.entry.refusals) == (state, refusals)
        assert outside.item["remind_sms"] is (outcome == "accepted")
        assert result.writes == 2


@pytest.mark.parametrize(
    ("answer", "outcome"), [(TooLate("signed too late"), "failed"), (AWAY, "failed")]
)
def test_an_end_that_cannot_be_recorded_says_what_the_provider_said(
    answer: Exception, outcome: str, outside: Outside
) -> None:
    outside.put()

    def fail() -> None:
        raise AWAY

    outside.sens.answers = [answer]
    outside.client.once(fail, at=2)

    result = outside.executor().execute(a_send())

    assert result.outcome == outcome
    assert result.message == f"{answer}; not recorded in the ledger: it cannot be reached"


@pytest.mark.parametrize("recorded", [False, True])
def test_a_reservation_is_written_while_the_legacy_runs_beside_us(
    recorded: bool, outside: Outside
) -> None:
    if recorded:
        outside.put()
    lock = outside.lock(**BESIDE_LEGACY)
    outside.clock.go(60)
    effect = replace(RESERVE, item={} if recorded else item_of(1))

    result = outside.executor(lock=lock).execute(effect)

    assert (result.outcome, result.writes) == ("written", 1)
    assert outside.item["remind_sms"] == 1
    assert outside.item["remind_sms"] is not True
    stamp = outside.item["naverplace_reserved_remind_sms"]
    assert stamp == sortable_timestamp(NOON + 60 * SECOND)
    assert lock.lease.until == NOON + 160 * SECOND


@pytest.mark.parametrize("held", [False, True])
def test_nothing_is_reserved_when_no_legacy_runs_beside_us(held: bool, outside: Outside) -> None:
    executor = outside.executor(lock=outside.lock() if held else None, beside=[STORE])

    result = executor.execute(RESERVE)

    assert told(result) == ("skipped", "no legacy runs beside us any more")
    assert outside.client.tables["sms"] == {}


def test_a_reservation_that_comes_after_the_legacy_changes_nothing(outside: Outside) -> None:
    outside.put(remind_sms=True)
    lock = outside.lock(**BESIDE_LEGACY)

    result = outside.executor(lock=lock).execute(replace(RESERVE, item={}))

    assert (*told(result), result.writes) == ("skipped", "the legacy was faster", 0)


@pytest.mark.parametrize("recorded", [False, True])
def test_a_reservation_of_who_lost_the_store_meanwhile_is_taken_back(
    recorded: bool, outside: Outside
) -> None:
    if recorded:
        outside.put()
    lock = outside.lock(**BESIDE_LEGACY)
    outside.client.once(lambda: meddling(outside, "the store is taken", StopRequest()))

    result = outside.executor(lock=lock).execute(
        replace(RESERVE, item={} if recorded else item_of(1))
    )

    assert result.outcome == "skipped"
    assert "another run has taken over" in result.message
    assert result.writes == 2
    assert outside.item == (item_of(1) if recorded else {})


@pytest.mark.parametrize(
    ("took", "later"),
    [
        (timedelta(), False),
        (5 * SECOND, False),
        (10 * SECOND, False),
        (10 * SECOND + TICK, True),
        (20 * SECOND, True),
    ],
)
def test_a_reservation_whose_writing_took_more_than_ten_seconds_counts_from_its_end(
    took: timedelta, later: bool, outside: Outside
) -> None:
    outside.put()
    lock = outside.lock(**BESIDE_LEGACY)
    outside.client.once(lambda: outside.clock.go(took.total_seconds()))

    result = outside.executor(lock=lock).execute(replace(RESERVE, item={}))

    assert result.outcome == "written"
    stamp = outside.item["naverplace_reserved_remind_sms"]
    assert stamp == sortable_timestamp(NOON + took if later else NOON)


@pytest.mark.parametrize("value", [False, True])
@pytest.mark.parametrize("beside", [(), (STORE,)])
def test_a_flag_that_is_unset_beside_the_legacy_is_reserved(
    value: bool, beside: tuple[str, ...], outside: Outside
) -> None:
    outside.put(confirm_sms=not value)

    result = outside.executor(beside=beside).execute(replace(SET, value=value))

    assert (result.outcome, result.writes) == ("written", 1)
    hidden = bool(beside) and not value
    assert outside.item["confirm_sms"] == (1 if hidden else value)
    since = outside.item.get("naverplace_reserved_confirm_sms")
    assert since == (sortable_timestamp(NOON) if hidden else None)


def test_a_flag_of_no_record_is_not_set(outside: Outside) -> None:
    assert told(outside.executor().execute(SET)) == ("failed", "the booking has no record")


@pytest.mark.parametrize("beside", [(), (STORE,)])
def test_a_moved_record_never_shows_a_legacy_beside_us_an_unset_flag(
    beside: tuple[str, ...], outside: Outside
) -> None:
    outside.put(remind_sms=True)
    sets = {**MOVE.sets, "remind_sms": False}

    result = outside.executor(beside=beside).execute(
        replace(MOVE, sets=sets, flags={"remind_sms": True})
    )

    assert (result.outcome, result.writes) == ("written", 1)
    assert outside.item["remind_sms"] == (1 if beside else False)
    assert outside.item["booking_time"] == "2025-10-23 15:30:00"


def test_a_move_holds_its_store_longer(outside: Outside) -> None:
    outside.put()
    lock = outside.lock()
    outside.clock.go(60)

    outside.executor(lock=lock).execute(MOVE)

    assert lock.lease.until == NOON + 160 * SECOND


@pytest.mark.parametrize(
    ("item", "attributes", "outcome", "words", "writes"),
    [
        (item_of(1), None, "written", "its time is over", 2),
        (item_of(1), {}, "written", "its time is over", 1),
        ({}, {}, "written", "its time is over", 1),
        ({}, None, "skipped", "its ledger has moved on since it was read", 0),
        (
            item_of(1),
            {"remind_sms": True},
            "skipped",
            "its ledger has moved on since it was read",
            0,
        ),
    ],
)
def test_an_expiry_is_noted_in_a_record_that_is_made_for_it(
    item: dict[str, Any],
    attributes: dict[str, Any] | None,
    outcome: str,
    words: str,
    writes: int,
    outside: Outside,
) -> None:
    if attributes is not None:
        outside.put(**attributes)

    result = outside.executor().execute(replace(EXPIRE, item=item, flag="remind_sms"))

    assert (*told(result), result.writes) == (outcome, words, writes)
