"""What the published legacy was seen to do besides (L10, L12, L13, L17, L27-L31), both ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from naverplace.domain.effects import RecordKey
from naverplace.migration.parity.accepted_differences import legacy_owes
from naverplace.migration.parity.booking_view import booking_views
from naverplace.migration.parity.comparison_run import Replayed, replay
from naverplace.migration.parity.observed_legacy import LoggedMessage, observe
from naverplace.migration.parity.sides import output_of_legacy
from naverplace.migration.parity.values import (
    NOISE,
    AcceptedId,
    ComparedRun,
    LegacyDeath,
    Message,
    SystemOutput,
)
from naverplace.migration.parity.verdict import ParityTotals
from naverplace.pipeline.capture.inputs import Inputs
from sandbox.naver.bookings import REVIEW_OPTIONS, Raw, a_booking
from tasks.modelled_legacy import modelled_legacy
from tests.migration.parity.test_each_l_number import (
    BOTH,
    CONFIRM,
    EVENING,
    EVENT,
    GUIDE,
    NOW,
    PHONE,
    SETUP,
    STORE,
)
from trials.parity.fatal import READABLE, UNREADABLE
from trials.parity.setup import SENDER

OTHER = "951291"
IN_AN_HOUR = NOW + timedelta(hours=1)


def booking(nth: int = 7, start: datetime = IN_AN_HOUR, **changes: Any) -> Raw:
    words = {"store": STORE, "status": "RC03", "phone": PHONE, "option": "사진", **changes}
    return a_booking(
        words["store"],
        nth,
        start,
        status=words["status"],
        phone=words["phone"],
        options=((words["option"], 1),),
    )


def an_item(raw: Raw, **flags: Any) -> dict[RecordKey, Mapping[str, Any]]:
    phone = str(raw["phone"])
    key = RecordKey(
        f"{raw['businessId']}_{raw['bookingId']}", f"{phone[:3]}-{phone[3:7]}-{phone[7:]}"
    )
    start = datetime.fromisoformat(raw["snapshotJson"]["startDateTime"]).astimezone(NOW.tzinfo)
    usual = {"confirm_sms": True, "remind_sms": False, "option_sms": False}
    item = {**key._asdict(), "name": raw["name"], "booking_time": f"{start:%Y-%m-%d %H:%M:%S}"}
    wanted = {**usual, **flags}
    return {key: item | {name: flag for name, flag in wanted.items() if flag != "missing"}}


def inputs(
    *raws: Raw, now: datetime = NOW, items: Mapping[RecordKey, Mapping[str, Any]] | None = None
) -> Inputs:
    early = [raw for raw in raws if raw["bookingStatusCode"] == "RC03"]
    late = [raw for raw in raws if raw["bookingStatusCode"] == "RC08"]
    return Inputs("run-1", now, (STORE, OTHER), early, late, items or {})


def replayed(given: Inputs, *, moves: timedelta = timedelta()) -> Replayed:
    legacy = modelled_legacy(
        SETUP.comparator.texts,
        sender=SENDER,
        stores=SETUP.stores,
        clock_of=lambda run: lambda: run.now + moves,
    )
    (run,) = replay([given], new=SETUP.new(), legacy=legacy, comparator=SETUP.comparator)
    return run


def kinds(side: SystemOutput) -> set[str]:
    return {key.kind for key in side.sends}


def unexplained(run: ComparedRun) -> list[str]:
    return sorted({d.aspect for d in run.differences if not d.explained})


def decided(run: ComparedRun) -> set[str]:
    return {d.because for d in run.differences if d.aspect in ("decision", "run")}


def with_new(run: Replayed, change: Callable[[SystemOutput], SystemOutput]) -> ComparedRun:
    """Compare again, with something else in the new flow's place."""
    new = change(run.compared.new)
    return SETUP.comparator.compare(run.inputs, run.legacy, new, death=run.compared.death)


def silent(side: SystemOutput) -> SystemOutput:
    return replace(side, sends={}, flags={})


def as_legacy(run: Replayed) -> ComparedRun:
    """Let the new flow do what the legacy does, to the sign."""
    return with_new(run, lambda new: replace(new, sends=run.legacy.sends, flags=run.legacy.flags))


YEARS = [
    pytest.param("2125-10-22T06:02:00Z", BOTH, id="2125 is 2025"),
    pytest.param("2299-01-01T00:00:00Z", (CONFIRM,), id="2299 is 1999"),
    pytest.param("2025-10-22T6:2:0Z", BOTH, id="without its zeros"),
]


@pytest.mark.parametrize(("start", "sends"), YEARS)
def test_an_unfit_booking_gets_nothing_and_the_legacy_sends(
    start: str, sends: tuple[str, ...]
) -> None:
    raw = booking()
    raw["snapshotJson"]["startDateTime"] = start

    run = replayed(inputs(raw))

    assert (kinds(run.legacy), kinds(run.compared.new)) == (set(sends), set())
    assert (decided(run.compared), unexplained(run.compared)) == ({AcceptedId.UNFIT}, [])
    assert "decision" in unexplained(as_legacy(run))  # alike is as wrong


def test_an_unfit_booking_is_no_reason_for_a_fit_one_to_get_nothing() -> None:
    run = replayed(inputs(booking(), booking(8, phone="0100000")))

    assert unexplained(run.compared) == []
    assert unexplained(with_new(run, silent)) == ["decision", "flags"]


@pytest.mark.parametrize("phone", [f" {PHONE}", f"{PHONE}  ", f"\t{PHONE}\n"])
@pytest.mark.parametrize("known", [False, True])
def test_blanks_around_a_phone_are_in_the_key_of_both_sides_and_in_no_number(
    phone: str, *, known: bool
) -> None:
    raw = booking(phone=phone)
    run = replayed(inputs(raw, items=an_item(raw) if known else None))

    old, new = run.legacy, run.compared.new
    assert old.flags.keys() == new.flags.keys() == an_item(raw).keys()
    assert {m.to for side in (old, new) for (m,) in side.sends.values()} == {PHONE}
    assert unexplained(run.compared) == []


ODD = pytest.mark.parametrize("value", [None, "", [], {}, 1, "missing"], ids=str)


@ODD
@pytest.mark.parametrize("flag", ["remind_sms", "option_sms"])
def test_a_flag_that_is_neither_true_nor_false_is_owed_here_only(value: Any, flag: str) -> None:
    raw, now, kind = booking(), NOW, GUIDE
    if flag == "option_sms":
        now, kind = EVENING, EVENT
        raw = booking(status="RC08", option=REVIEW_OPTIONS[0])

    run = replayed(inputs(raw, now=now, items=an_item(raw, **{flag: value})))

    assert (kinds(run.legacy), kinds(run.compared.new)) == (set(), {kind})
    assert (decided(run.compared), unexplained(run.compared)) == ({AcceptedId.FLAG}, [])
    assert len(run.legacy.errors) == (value == "missing")  # L17
    assert "decision" in unexplained(as_legacy(run))


def test_a_zero_is_false_for_both() -> None:
    raw = booking()
    run = replayed(inputs(raw, items=an_item(raw, remind_sms=0)))

    assert kinds(run.legacy) == kinds(run.compared.new) == {GUIDE}
    assert (decided(run.compared), unexplained(run.compared)) == (set(), [])


@pytest.mark.parametrize("time", ["2025-10-22", "어제", "", None])
def test_a_time_that_nobody_can_read_in_an_item_changes_no_decision(time: Any) -> None:
    """It ends the legacy's ranges of completed bookings (L8), which no inputs of a run show."""
    raw = booking()
    ((key, item),) = an_item(raw).items()
    run = replayed(inputs(raw, items={key: {**item, "booking_time": time}}))

    assert kinds(run.legacy) == kinds(run.compared.new) == {GUIDE}
    assert unexplained(run.compared) == []


def test_a_store_without_a_guide_gets_an_empty_one_from_the_legacy_which_sens_refuses() -> None:
    texts = SETUP.comparator.texts
    guide = texts.guide.model_copy(update={"stores": {**(texts.guide.stores or {}), STORE: None}})
    without = texts.model_copy(update={"guide": guide})
    legacy = modelled_legacy(without, sender=SENDER, stores=SETUP.stores)
    comparator = replace(SETUP.comparator, texts=without)
    (run,) = replay([inputs(booking())], new=SETUP.new(), legacy=legacy, comparator=comparator)

    told = {d.kind: d.because for d in run.compared.differences if d.aspect == "text"}
    assert told[GUIDE] == "flag-means-accepted"
    assert unexplained(run.compared) == []


def died(change: Callable[[Raw], object], **words: Any) -> tuple[Raw, Replayed]:
    raw = booking(9, **words)
    change(raw)
    return raw, replayed(inputs(raw, booking(8, store=OTHER, phone="01000000002")))


@pytest.mark.parametrize("change", [*READABLE, *UNREADABLE])
def test_a_row_that_ends_the_legacys_run_is_named_and_its_silence_is_no_decision(
    change: Callable[[Raw], object],
) -> None:
    raw, run = died(change)

    found = run.compared
    assert found.death
    assert (found.death.output.died, found.death.output.sends) == ("L27", {})
    (row,) = found.death.rows
    assert str(raw.get("bookingId", "without an id")) in row
    assert PHONE not in str(found.differences) + row
    # The other store's booking is compared with what the legacy would have done.
    assert {key.store_id for key in run.legacy.sends} == {OTHER}
    assert {key.store_id for key in found.decisions} == {OTHER}
    assert unexplained(found) == []
    (told,) = [d for d in found.differences if d.aspect == "run"]
    assert (told.because, told.legacy) == (AcceptedId.DIED, f"died (L27): {row}")


@pytest.mark.parametrize("change", READABLE)
def test_what_here_can_be_read_of_such_a_row_is_decided(change: Callable[[Raw], object]) -> None:
    raw, run = died(change)

    new = {key.kind for key in run.compared.new.sends if key.store_id == STORE}
    assert new == set(BOTH)
    number = f"{STORE}_{raw['bookingId']}"
    own = [d.because for d in run.compared.differences if d.booking_num == number]
    assert set(own) == {AcceptedId.DIED}

    kept = {k: m for k, m in run.compared.new.sends.items() if k.booking_num != number}
    less = with_new(run, lambda new: replace(new, sends=kept))
    assert "decision" in unexplained(less)


@pytest.mark.parametrize("change", UNREADABLE)
def test_what_nobody_can_read_gets_nothing_on_either_side(change: Callable[[Raw], object]) -> None:
    _, run = died(change)

    assert {key.store_id for key in run.compared.new.sends} == {OTHER}
    assert decided(run.compared) == {AcceptedId.DIED}


def test_a_wrong_decision_about_another_booking_of_a_dead_run_has_no_class() -> None:
    _, run = died(READABLE[1])

    assert "decision" in unexplained(with_new(run, silent))


def test_a_completed_row_ends_the_run_at_every_hour() -> None:
    _, run = died(READABLE[5], status="RC08", option=REVIEW_OPTIONS[0])

    assert run.compared.death
    assert unexplained(run.compared) == []


def judged(output: SystemOutput, rows: tuple[str, ...]) -> ComparedRun:
    run = replayed(inputs(booking()))
    death = LegacyDeath(rows, output)
    return SETUP.comparator.compare(run.inputs, output, run.compared.new, death=death)


QUIET = SystemOutput(name="legacy", sends={}, flags={}, owner_texts=1)


@pytest.mark.parametrize("cause", ["L1", "L2", "L9", "L28", "L30", "L31"])
def test_a_run_that_ended_of_what_no_row_shows_is_told_and_nothing_is_compared(cause: str) -> None:
    found = judged(replace(QUIET, died=cause), ())

    assert (decided(found), unexplained(found)) == ({AcceptedId.DIED}, [])
    assert (found.decisions, found.sent) == (frozenset(), frozenset())


def test_a_death_that_is_not_of_its_kind_has_no_class() -> None:
    rows = ("store 1: booking 2 (RC03): has no name",)
    sent = replayed(inputs(booking())).legacy
    for output, named in (
        (replace(QUIET, died="L27"), ()),  # no row ends it
        (QUIET, rows),  # it lives in spite of such a row
        (replace(QUIET, died="L28"), rows),
        (replace(sent, died="L27"), rows),  # it sends
        (replace(QUIET, died="L27", owner_texts=2), rows),
    ):
        assert "run" in unexplained(judged(output, named))


def test_the_verdict_says_how_many_runs_died_and_of_what() -> None:
    totals = ParityTotals()
    totals.add(died(READABLE[1])[1].compared)
    totals.add(replayed(inputs(booking())).compared)

    assert (totals.runs, totals.legacy_died, totals.legacy.sent) == (2, 1, 2)
    assert totals.fatal_rows == {f"store {STORE}: booking 9 (RC03): has no name"}


@dataclass(frozen=True)
class Ended:
    """The outcome of a run whose last text could not be sent (L31)."""

    outcome: Any
    died: Any = field(default_factory=lambda: type("Death", (), {"cause": "L31"})())

    def __getattr__(self, name: str) -> Any:
        return getattr(self.outcome, name)


def test_a_run_that_ended_after_its_messages_is_compared_by_them() -> None:
    given = inputs(booking())
    side = output_of_legacy(Ended(SETUP.legacy(given)), given)

    assert (kinds(side), side.died) == (set(BOTH), "")


EDGES = [
    pytest.param(NOW.replace(hour=13, minute=59, second=57), 16, True, False, id="a guide"),
    pytest.param(NOW.replace(hour=15, minute=59, second=57), 16, False, True, id="a start"),
]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(("now", "hour", "old", "new"), EDGES)
def test_an_edge_between_the_two_moments_has_a_class(
    now: datetime, hour: int, *, old: bool, new: bool, known: bool
) -> None:
    raw = booking(start=NOW.replace(hour=hour, minute=0))
    run = replayed(
        inputs(raw, now=now, items=an_item(raw) if known else None), moves=timedelta(seconds=30)
    )

    assert (GUIDE in kinds(run.legacy), GUIDE in kinds(run.compared.new)) == (old, new)
    assert (decided(run.compared), unexplained(run.compared)) == ({AcceptedId.MOMENT}, [])
    assert "decision" in unexplained(as_legacy(run))


@pytest.mark.parametrize(("hour", "old"), [(19, True), (20, False)], ids=["19:59:57", "20:59:57"])
def test_the_hour_of_the_event_is_read_when_it_is_compared(hour: int, *, old: bool) -> None:
    raw = booking(start=NOW - timedelta(hours=4), status="RC08", option=REVIEW_OPTIONS[0])
    now = NOW.replace(hour=hour, minute=59, second=57)
    run = replayed(inputs(raw, now=now, items=an_item(raw)), moves=timedelta(seconds=30))

    assert (EVENT in kinds(run.legacy), EVENT in kinds(run.compared.new)) == (old, not old)
    assert (decided(run.compared), unexplained(run.compared)) == ({AcceptedId.MOMENT}, [])
    assert "decision" in unexplained(as_legacy(run))


def test_away_from_an_edge_a_later_moment_explains_nothing() -> None:
    run = replayed(inputs(booking()), moves=timedelta(seconds=30))

    assert decided(run.compared) == set()
    assert unexplained(with_new(run, silent)) == ["decision", "flags"]


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("flags", [None, {}, {"confirm_sms": False}, {"remind_sms": True}])
@pytest.mark.parametrize("minutes", [-1, 0, 1, 75, 119, 120, 121])
def test_what_the_laws_take_for_the_legacys_decision_is_the_models(
    kind: str, flags: dict[str, Any] | None, minutes: int
) -> None:
    raw = booking(start=NOW + timedelta(minutes=minutes))
    given = inputs(raw, items=an_item(raw, **flags) if flags is not None else None)
    (view,) = booking_views(given).values()

    side = output_of_legacy(SETUP.legacy(given), given)
    assert legacy_owes(view, kind, (NOW,)) == (kind in kinds(side))


def seen(given: Inputs, *kinds_at: tuple[str, datetime]) -> SystemOutput:
    """Let SENS's log hold a message of each kind; the second reading is two minutes later."""
    texts = SETUP.comparator.texts
    words = {CONFIRM: texts.confirmation.text, GUIDE: (texts.guide.stores or {})[STORE]}
    log = [
        LoggedMessage(at, Message(PHONE, SENDER, texts.subject, str(words[kind])))
        for kind, at in kinds_at
    ]
    later = replace(given, now=given.now + timedelta(minutes=2))
    return observe(given, later, log, texts=texts).side


EDGE = NOW.replace(hour=13, minute=59)


def observed(given: Inputs, side: SystemOutput, now: datetime) -> ComparedRun:
    given = replace(given, now=now)
    new = SETUP.new()
    return SETUP.comparator.compare(given, side, new.output(new.prepare(given)))


def test_an_edge_is_noise_only_where_the_legacys_moment_is_unknown() -> None:
    raw = booking(start=NOW.replace(hour=16, minute=0))
    given = inputs(raw, now=EDGE, items=an_item(raw))
    unknown = observed(given, seen(given), NOW.replace(minute=0, second=30))
    assert decided(unknown) == {NOISE}

    known = seen(given, (GUIDE, EDGE + timedelta(seconds=70)))
    found = observed(given, known, EDGE)
    assert decided(found) == {AcceptedId.MOMENT}

    early = replace(given, now=EDGE - timedelta(minutes=5))
    assert decided(observed(early, seen(early), NOW.replace(minute=0, second=30))) == {
        AcceptedId.MOMENT
    }

    late = replace(given, now=NOW)
    assert decided(observed(late, seen(late), NOW)) == {""}


def test_nothing_that_was_seen_beside_a_fatal_row_is_a_run_that_died() -> None:
    raw = booking()
    del raw["name"]

    assert seen(inputs(raw)).died == "L27"
    assert seen(inputs(booking())).died == ""
    both = inputs(raw, booking(8))
    assert seen(both, (CONFIRM, NOW)).died == ""
