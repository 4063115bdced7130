"""The ledger as one model: whatever happens, and in whatever order, four promises hold after it.

Real runs over the real ledger, delivery, settling, retention and reconciliation; Hypothesis chooses
what happens next, and shortens what breaks a promise to the fewest steps.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from naverplace.delivery import deliver
from naverplace.delivery.executor import EffectExecutor
from naverplace.delivery.outcomes import Attempt
from naverplace.delivery.send_caps import SendCaps
from naverplace.domain.message_status import WITH_PROVIDER
from naverplace.domain.records import read_record
from naverplace.domain.results import ActionResult, Outcome
from naverplace.jobs.reconciliation import job as reconciliation
from naverplace.jobs.retention.policy import Listed, RetentionDecision, retention_decision
from naverplace.ledger.message_ledger import Claim, MessageLedger
from naverplace.ledger.pauses import Pause, set_pause
from naverplace.ledger.run_memory import WATERMARK
from naverplace.ledger.scan import LedgerScan
from naverplace.rules import expiry
from naverplace.settings.sections import ReconcileSettings
from tests.examples import examples
from tests.handback_world import FLAGS, Now
from tests.interleaving import Port, Process
from tests.model.shop import (
    ANSWERS,
    BACK,
    Sens,
    ShopWorld,
    a_run,
    context,
    finish,
    listed,
    repeatable,
    waiting_takes_time,
)
from tests.rule_builders import STORE, at
from tests.second_claim import grant_a_second_claim

NOON = at("2025-10-22 12:00")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
CAP = 4  # messages to one phone a day, so that a third guide is one too many
NOT_SENT = (Outcome.SKIPPED, Outcome.REFUSED, Outcome.FAILED, Outcome.CAPPED)
picked = st.integers(0, 9)  # one of those that there are


class LedgerMachine(RuleBasedStateMachine):
    """One shop, its customers, and runs that may stand still or die between any two calls."""

    def __init__(self) -> None:
        super().__init__()
        self.world = ShopWorld(NOON)
        self.alive: list[Process] = []
        self.bookings = self.runs = self.looked_at = 0
        self.paused_until = NOON
        self.by_hand: set[tuple[str, str]] = set()  # booking and kind
        self.lost: set[tuple[str, str]] = set()  # and a report has named it

    # What customers do

    @rule(minutes=st.sampled_from([20, 100, 130, 300, 1500]), review=st.booleans())
    def books(self, minutes: int, review: bool) -> None:
        self.bookings += 1
        start = self.world.now + minutes * MINUTE
        number = self.bookings
        self.world.listed.append(Now(number, start, phone=number, review=review))

    @precondition(lambda self: self.upcoming())
    @rule(which=picked, minutes=st.sampled_from([-60, 30, 180, 1440]))
    def moves(self, which: int, minutes: int) -> None:
        one = self.upcoming()[which % len(self.upcoming())]
        start = max(one.start + minutes * MINUTE, self.world.now + 5 * MINUTE)
        self.world.listed[self.world.listed.index(one)] = replace(one, start=start)

    @precondition(lambda self: self.upcoming())
    @rule(which=picked)
    def cancels(self, which: int) -> None:
        self.world.listed.remove(self.upcoming()[which % len(self.upcoming())])

    # What SENS, the clock and people do

    @rule(answers=st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=3))
    def sens_will_answer(self, answers: list[str]) -> None:
        self.world.answers = answers

    @rule(minutes=st.sampled_from([1, 4, 7, 14, 20, 90, 600]))
    def time_passes(self, minutes: int) -> None:
        self.world.now += minutes * MINUTE

    @precondition(lambda self: self.world.tables["sms"])
    @rule(which=picked, kind=st.sampled_from(sorted(FLAGS)))
    def somebody_sets_a_flag(self, which: int, kind: str) -> None:
        """As the legacy does, or the owner after a call: without any condition (L14)."""
        items = list(self.world.tables["sms"].values())
        item = items[which % len(items)]
        item[FLAGS[kind]] = True
        self.by_hand.add((item["booking_num"], kind))

    @rule(hours=st.sampled_from([0, 3]))
    def a_pause(self, hours: int) -> None:
        """For some hours, or its end."""
        self.paused_until = until = self.world.now + hours * HOUR
        pause = Pause(self.world.now, until, "test", "owner") if hours else None
        self.operator(
            lambda run: run.store_locks.table.change(
                STORE, lambda item: replace(item, extra=set_pause(item.extra, pause))
            )
        )

    # What runs do

    @rule()
    def a_whole_run(self) -> None:
        paused, before = self.world.now < self.paused_until, len(self.world.log)
        finish(self.a_run(), self.world)
        assert not paused or len(self.world.log) == before

    @precondition(lambda self: len(self.alive) < 3)
    @rule(steps=st.integers(1, 12))
    def a_run_begins(self, steps: int) -> None:
        self.alive.append(self.a_run())
        self.steps(len(self.alive) - 1, steps)

    @precondition(lambda self: self.alive)
    @rule(which=picked, steps=st.integers(1, 6))
    def a_run_goes_on(self, which: int, steps: int) -> None:
        self.steps(which % len(self.alive), steps)

    @precondition(lambda self: self.alive)
    @rule(which=picked)
    def a_run_is_killed(self, which: int) -> None:
        del self.alive[which % len(self.alive)]

    # What jobs do

    @precondition(lambda self: self.world.log)
    @rule()
    def the_reconciliation(self) -> None:
        """It finds nothing wrong, whatever has happened."""
        done = self.operator(self.reconciled)
        assert [f for f in done.findings if f.wrong] == []
        assert done.problems == ()

    @rule()
    def the_retention(self) -> None:
        """A hundred days later; nothing is sent anew for what it forgets."""
        self.alive.clear()  # no run lives so long
        self.the_days_go_on()
        self.world.now += 100 * DAY
        # A comparison of a hundred days ago would call SENS's log too short and the ledger emptied.
        self.world.tables["session"].pop((WATERMARK,), None)
        shown = {one.ours.booking_num for one in listed(self.world)}
        known = Listed({STORE: shown}, known=[STORE])

        def forget(run: Any) -> int:
            scan = LedgerScan(run.table.records.table.client)
            old = [
                record
                for record in list(scan.scan())
                if retention_decision(record, known, before=self.world.now - 90 * DAY)
                is RetentionDecision.FORGET
            ]
            return sum(map(scan.delete, old))

        items = len(self.world.tables["sms"])
        assert self.operator(forget) == items - len(self.world.tables["sms"])
        self.world.listed = [one for one in self.world.listed if one.start > self.world.now]

    # What must hold

    @invariant()
    def a_message_is_accepted_once(self) -> None:
        """For a booking and kind; of guides, whose text names it, for each start."""
        taken = Counter(
            (m.booking, m.kind, m.text if m.kind == "guide" else "") for m in self.world.log
        )
        assert {what: n for what, n in taken.items() if n > 1} == {}

    @invariant()
    def a_flag_is_set_by_an_acceptance_or_a_person(self) -> None:
        taken = {(m.booking, m.kind) for m in self.world.log} | self.by_hand
        for item in self.world.tables["sms"].values():
            flagged = {(item["booking_num"], k) for k, flag in FLAGS.items() if item[flag] is True}
            assert flagged <= taken

    @invariant()
    def what_the_ledger_counts_is_in_the_log(self) -> None:
        in_log = {(m.request_id, m.booking): m for m in self.world.log}
        for item in self.world.tables["sms"].values():
            record = read_record(item)
            for message in record.messages.values():
                if message.state in WITH_PROVIDER and message.token != "legacy":
                    assert (message.request_id, record.key.booking_num) in in_log

    @invariant()
    def a_phone_gets_no_more_than_its_cap(self) -> None:
        for last in self.world.log[-3:]:
            of_a_day = [
                m for m in self.world.log if m.to == last.to and last.at - DAY < m.at <= last.at
            ]
            assert len(of_a_day) <= CAP

    @invariant()
    def the_owner_is_told_what_happened(self) -> None:
        reports = self.world.reports[self.looked_at :]
        self.looked_at = len(self.world.reports)
        for report in reports:
            for result in report.results:
                self.check_told(report.run, result)

    def check_told(self, run: str, result: ActionResult) -> None:
        mine = [
            m
            for m in self.world.log
            if (m.booking, m.kind) == (result.booking_num, result.kind)
            and m.request_id.startswith(f"{run}-")
        ]
        if result.action == "mark_expired" and result.outcome is Outcome.WRITTEN:
            self.lost.add((result.booking_num, result.kind))
            # Of a moved booking an earlier guide may have been sent, for another start.
            ever = {(m.booking, m.kind) for m in self.world.log if m.kind != "guide"}
            assert (result.booking_num, result.kind) not in ever
        elif result.action == "send_sms" and result.outcome in NOT_SENT:
            skipped = result.outcome is Outcome.SKIPPED
            assert mine == [] or (skipped and "already" in result.message)
        elif result.action == "send_sms":
            ids = {m.request_id for m in self.world.log}
            assert result.outcome is Outcome.IN_DOUBT or result.request_id in ids

    def check(self) -> None:
        """Look at everything that must hold after a step."""
        self.a_message_is_accepted_once()
        self.a_flag_is_set_by_an_acceptance_or_a_person()
        self.what_the_ledger_counts_is_in_the_log()
        self.a_phone_gets_no_more_than_its_cap()
        self.the_owner_is_told_what_happened()

    def teardown(self) -> None:
        """Nothing that is owed vanishes: in the end it has come, or a report has named it."""
        self.alive.clear()
        self.the_days_go_on()

    def the_days_go_on(self) -> None:
        """Let sound runs go on until the last evening, and look for what never came."""
        self.world.answers = []
        self.a_pause(0)
        end = self.world.now
        moments = [end + 20 * MINUTE, end + 40 * MINUTE]
        for start in {one.start for one in self.world.listed if one.start > end - 2 * DAY}:
            evening = start.replace(hour=20, minute=5)
            moments += [start - 100 * MINUTE, start - 40 * MINUTE, start + 20 * MINUTE]
            moments += [evening, evening + 20 * MINUTE, evening + DAY]
        for moment in sorted(moment for moment in moments if moment > end):
            self.world.now = moment
            self.a_whole_run()
            self.check()
        taken = {(m.booking, m.kind) for m in self.world.log} | self.by_hand | self.lost
        confirmed = {m.booking for m in self.world.log if m.kind == "confirmation"}
        for one in (one for one in self.world.listed if one.start > end - BACK):
            number = one.ours.booking_num
            missing = {(number, kind) for kind in ("confirmation", "guide")} - taken
            if one.review and number in confirmed:  # who was unknown when it began gets none (L13)
                missing |= {(number, "event")} - taken
            assert missing == set()

    # How it is done

    def upcoming(self) -> list[Now]:
        return [one for one in self.world.listed if one.start > self.world.now]

    def a_run(self) -> Process:
        self.runs += 1
        return a_run(f"run{self.runs}", per_phone=CAP)

    def steps(self, which: int, count: int) -> None:
        for _ in range(count):
            stepped = self.alive[which].step(self.world)
            assert stepped
            self.alive[which] = stepped
            if stepped.over:
                del self.alive[which]
                return

    def operator(self, work: Callable[[Any], Any]) -> Any:
        """Do a person's or a job's work in one go."""
        done: list[Any] = []
        self.runs += 1

        def body(port: Port) -> None:
            done.append(work(context(port)))

        finish(Process(f"operator{self.runs}", 0, body), self.world)
        return done[0]

    def reconciled(self, run: Any) -> Any:
        run.since, run.door = None, "cli"
        run.settings.reconcile = ReconcileSettings()
        run.settings.report_dir = None
        run.table = LedgerScan(run.table.records.table.client)
        compared = reconciliation.compare_ledger(run)
        done = reconciliation.sum_up(run, compared, reconciliation.follow(run, compared))
        reconciliation.remember(run, compared, done)
        return done


@pytest.fixture(autouse=True)
def simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    repeatable(monkeypatch)
    waiting_takes_time(monkeypatch)
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)


def test_every_promise_holds_after_every_step() -> None:
    wanted = settings(
        max_examples=examples(2000), stateful_step_count=25, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(LedgerMachine, settings=wanted)


def test_a_run_that_lost_its_store_does_not_say_that_nothing_was_sent() -> None:
    """Found by the machine: another run had found its message in SENS's log meanwhile."""
    machine = LedgerMachine()
    machine.sens_will_answer(["accepted, and no answer"])
    machine.books(20, review=False)
    machine.a_run_begins(10)
    machine.a_whole_run()
    machine.a_run_goes_on(0, 1)

    machine.the_owner_is_told_what_happened()
    (frozen,) = (report for report in machine.world.reports if report.run == "run1")
    assert [r.outcome for r in frozen.results if r.kind == "confirmation"] == [Outcome.IN_DOUBT]


def short_plays() -> Iterator[Callable[[LedgerMachine], None]]:
    """Play what one customer and two runs may come to, the second before the first has ended."""
    for steps, answer, minutes in product(range(11, 0, -2), ANSWERS[:4], (20, 300)):

        def play(
            machine: LedgerMachine, steps: int = steps, answer: str = answer, minutes: int = minutes
        ) -> None:
            machine.sens_will_answer([answer])
            machine.books(minutes, review=False)
            machine.a_run_begins(steps)
            machine.a_whole_run()
            machine.time_passes(20)
            machine.a_whole_run()
            machine.check()
            machine.the_reconciliation()

        yield play


def a_paused_store(machine: LedgerMachine) -> None:
    machine.a_pause(3)
    machine.books(300, review=False)
    machine.a_whole_run()


def a_booking_that_moves_again_and_again(machine: LedgerMachine) -> None:
    machine.books(100, review=False)
    for _ in range(CAP):
        machine.a_whole_run()
        machine.moves(0, 30)
        machine.time_passes(20)
    machine.a_whole_run()
    machine.check()


def second_claim(patch: pytest.MonkeyPatch) -> None:
    grant_a_second_claim(patch)


def no_look_at_the_log(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Sens, "find", lambda self, **words: [])


def certain_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(deliver, "safe_to_resend_after", lambda m, _: m.claim.message.claimed_at)


def flag_before_the_send(patch: pytest.MonkeyPatch) -> None:
    real = MessageLedger.claim

    def claim(self: MessageLedger, key: Any, kind: str, entry: Any, **words: Any) -> Any:
        met = real(self, key, kind, entry, **words)
        if isinstance(met, Claim) and met.flag:
            self.records.set_flag(key, met.flag, True)
        return met

    patch.setattr(MessageLedger, "claim", claim)


def refusals_count_as_accepted(patch: pytest.MonkeyPatch) -> None:
    real = EffectExecutor._record

    def record(self: EffectExecutor, attempt: Any, claim: Any, call: Any) -> Any:
        return real(self, attempt, claim, replace(call, outcome=Outcome.ACCEPTED, request_id="x"))

    patch.setattr(EffectExecutor, "_record", record)


def the_lost_are_not_named(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(expiry, "find_expired", lambda *words, **more: ())


def doubts_are_told_as_failures(patch: pytest.MonkeyPatch) -> None:
    real = Attempt.finish

    def finish(self: Attempt, outcome: Outcome, *words: Any, **more: Any) -> ActionResult:
        wrong = Outcome.FAILED if outcome is Outcome.IN_DOUBT else outcome
        return real(self, wrong, *words, **more)

    patch.setattr(Attempt, "finish", finish)


def caps_are_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SendCaps, "counting", lambda self, to: nullcontext())


def a_pause_is_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Pause, "holds_at", lambda self, now: False)


def play_all() -> None:
    plays = [a_paused_store, a_booking_that_moves_again_and_again, *short_plays()]
    for scene in plays:
        machine = LedgerMachine()
        scene(machine)
        machine.teardown()


def test_the_short_plays_keep_every_promise() -> None:
    play_all()


@pytest.mark.parametrize(
    "plant",
    [
        second_claim,
        no_look_at_the_log,
        certain_at_once,
        flag_before_the_send,
        refusals_count_as_accepted,
        the_lost_are_not_named,
        doubts_are_told_as_failures,
        caps_are_ignored,
        a_pause_is_ignored,
    ],
)
def test_a_planted_bug_is_noticed(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        play_all()
