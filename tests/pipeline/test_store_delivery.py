"""What a run does for one store: it settles, waits, leaves alone, sends just what is missing."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from naverplace.domain.effects import RecordKey
from naverplace.domain.message_status import WITH_PROVIDER, MessageStatus
from naverplace.domain.results import Outcome
from naverplace.ledger.store_state import PendingMessage
from naverplace.pipeline import build_report, context, store_delivery
from naverplace.pipeline.context import RunContext
from naverplace.pipeline.follow_messages import follow_messages
from naverplace.pipeline.local_runner import ThreadExecutor
from naverplace.pipeline.run_order import RunSteps, process
from naverplace.pipeline.steps import RunResults
from naverplace.reporting.report import RunReport
from naverplace.settings.schema import Settings
from sandbox.faults import Fault
from sandbox.naver.bookings import a_booking
from sandbox.server import Sandbox
from tests.delivery_builders import STORE, key_of
from tests.in_doubt_scenes import FIRST, TWIN
from tests.pipeline.store_runs import Shop

ROOT = Path(__file__).resolve().parents[2]
RUNS_APART = 20 * 60


@pytest.fixture
def shop(world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(ROOT)
    return Shop(world, world_env)


def messages(report: RunReport) -> int:
    return sum(report.messages.values())


@pytest.mark.parametrize(
    ("sent", "settled", "state"),
    [(True, "adopted", MessageStatus.ACCEPTED), (False, "freed", MessageStatus.OWED)],
)
def test_what_a_dead_run_left_open_is_settled_although_the_booking_has_vanished_from_naver(
    sent: bool, settled: str, state: MessageStatus, shop: Shop
) -> None:
    shop.crash(shop.message(), sent=sent)

    report = shop.later(RUNS_APART).run()

    assert report.settled == {settled: 1}
    assert (report.unsettled, report.contradictions) == ((), ())
    assert shop.ledger().state == state
    assert shop.open_messages() == set()
    assert len([to for to, _ in shop.received() if to == shop.message().to]) == sent
    assert shop.later(RUNS_APART).run().settled == {}


@pytest.mark.parametrize("lost", ["confirmation", "guide"])
def test_what_another_run_adopts_before_the_cross_check_is_no_contradiction(
    lost: str, shop: Shop
) -> None:
    shop.env["NAVERPLACE_SENS__PARALLEL"] = "1"
    soon = shop.world.world.now() + timedelta(hours=1)
    shop.world.world.stores[STORE] = [a_booking(STORE, 7, soon)]
    shop.world.world.faults += [
        Fault("sens", "POST", "drop_after", after=["confirmation", "guide"].index(lost)),
        Fault("sens", "GET", "status:503", times=None),
    ]
    others: list[RunReport] = []

    def report(run: RunContext, results: RunResults) -> RunReport:
        shop.world.world.faults.clear()
        others.append(shop.later(60).run("second", only=[STORE]))
        return build_report.report_run(run, results)

    run = context.open_run(shop.settings, run_id="first", door="cli", only=[STORE])
    first = process(run, ThreadExecutor(), replace(RunSteps(), report=report))

    ended = {row["kind"]: row["outcome"] for row in first.deliveries or ()}
    assert ended == {"confirmation": "accepted", "guide": "accepted", lost: "in_doubt"}
    assert others[0].settled == {"adopted": 1}
    assert first.crosscheck is not None
    assert (first.crosscheck.table is not None, first.contradictions) == (True, ())
    assert len(shop.received()) == len(set(shop.received())) == 2


def test_what_cannot_be_settled_yet_stays_open_and_is_named(shop: Shop) -> None:
    shop.crash(shop.message(), sent=False)

    report = shop.later(5 * 60).run()

    (row,) = report.unsettled
    assert (row["booking"], row["kind"], row["settled"]) == (
        key_of(FIRST).booking_num,
        "guide",
        "waiting",
    )
    assert row["run_id"] == "dead"
    assert shop.open_messages() == {PendingMessage(key_of(FIRST), "guide")}
    assert report.status == "failed"
    assert shop.later(RUNS_APART).run().settled == {"freed": 1}


def test_an_unreadable_log_is_named_and_forgets_nothing(shop: Shop) -> None:
    shop.crash(shop.message(), sent=True)
    shop.later(RUNS_APART)
    log = Fault("sens", "GET", "status:503", times=None)
    shop.world.world.faults.append(log)

    report = shop.run()

    assert [row["settled"] for row in report.unsettled] == ["unreadable"]
    assert messages(report) == 2  # everybody else gets theirs all the same
    log.times = 0
    assert shop.later(RUNS_APART).run().settled == {"adopted": 1}


def test_a_twin_sent_while_a_doubt_lasts_is_not_taken_for_it_by_a_later_run(shop: Shop) -> None:
    doubted, twin = shop.message(), shop.twin()
    shop.crash(doubted, sent=False)
    shop.later(60)
    shop.world.world.faults.append(Fault("sens", "GET", "status:503", times=None))
    run = RunContext(shop.settings, run_id="between", door="cli", dry_run=False)
    (sent,) = store_delivery.deliver_store(run, None, STORE, [twin])
    assert sent.outcome is Outcome.ACCEPTED
    shop.world.world.faults.clear()

    report = shop.later(RUNS_APART).run()

    assert report.settled == {"freed": 1}
    assert shop.ledger().state == MessageStatus.OWED
    assert shop.ledger(TWIN).state == MessageStatus.DELIVERED
    assert shop.open_messages() == set()


@pytest.mark.parametrize("followed", [False, True])
def test_a_twin_sent_just_before_is_not_taken_for_a_doubt(followed: bool, shop: Shop) -> None:
    doubted, twin = shop.message(), shop.twin()
    shop.world.world.sens.deliver_seconds = 1
    before = RunContext(shop.settings, run_id="before", door="cli", dry_run=False)
    (sent,) = store_delivery.deliver_store(before, None, STORE, [twin])
    assert sent.outcome is Outcome.ACCEPTED
    if followed:
        shop.later(30)
        between = RunContext(shop.settings, run_id="between", door="flow", dry_run=False)
        assert follow_messages(between).delivered == 1
    shop.crash(doubted, sent=False)  # SENS's clock may differ from ours by minutes

    report = shop.later(RUNS_APART).run()

    assert report.settled == {"freed": 1}
    assert shop.ledger().state == MessageStatus.OWED
    assert shop.ledger(TWIN).state == MessageStatus.DELIVERED


def test_a_twin_sent_by_the_run_that_died_is_not_taken_for_its_doubt(shop: Shop) -> None:
    doubted, twin = shop.message(), shop.twin()
    before = RunContext(shop.settings, run_id="before", door="cli", dry_run=False)
    store_delivery.deliver_store(before, None, STORE, [twin])
    shop.hold([PendingMessage(effect.key, effect.kind) for effect in (doubted, twin)])
    shop.die(doubted, sent=False)
    shop.later(RUNS_APART)
    run = RunContext(shop.settings, run_id="next", door="cli", dry_run=False)

    (ended,) = store_delivery.deliver_store(run, None, STORE, [doubted])

    assert (ended.outcome, ended.settled) == (Outcome.ACCEPTED, "freed")
    assert len([to for to, _ in shop.received() if to == doubted.to]) == 2


def test_a_doubt_is_settled_though_the_same_phone_got_another_stores_message(shop: Shop) -> None:
    other = "951291"
    doubted = shop.message()
    key = RecordKey(f"{other}_900000001", doubted.key.phone)
    theirs = replace(
        doubted,
        key=key,
        store_id=other,
        text="[다른 매장] 내일 방문을 기다립니다.",
        item={**doubted.item, **key._asdict()},
    )
    shop.crash(doubted, sent=False)
    shop.later(60)
    elsewhere = RunContext(shop.settings, run_id="elsewhere", door="cli", dry_run=False)
    (sent,) = store_delivery.deliver_store(elsewhere, None, other, [theirs])
    assert sent.outcome is Outcome.ACCEPTED
    shop.later(RUNS_APART)
    run = RunContext(shop.settings, run_id="next", door="cli", dry_run=False)

    ended = store_delivery.resolve_in_doubt(run)

    assert [doubt.resolution.value for doubt in ended] == ["freed"]
    assert shop.open_messages() == set()


def test_a_dry_run_settles_and_takes_nothing(shop: Shop) -> None:
    shop.crash(shop.message(), sent=True)
    shop.later(RUNS_APART)

    shop.run(dry_run=True)

    assert shop.ledger().state == MessageStatus.CLAIMED
    assert shop.open_messages() == {PendingMessage(key_of(FIRST), "guide")}


def test_a_run_that_meets_a_dead_ones_lease_waits_for_it_and_sends(shop: Shop) -> None:
    shop.hold()

    report = shop.run()

    assert (report.status, messages(report)) == ("success", 2)


def test_a_run_that_meets_a_live_run_leaves_the_store_to_it(shop: Shop) -> None:
    alive = shop.hold(lease_seconds=300.0)

    report = shop.run()

    assert messages(report) == 0
    assert shop.world.world.messages == []
    assert report.outcomes == {"skipped": 2}
    alive.release([])
    assert messages(shop.run()) == 2


def test_a_retry_after_a_failure_half_way_sends_just_what_is_missing(shop: Shop) -> None:
    shop.world.world.faults.append(Fault("sens", "POST", "status:429", after=1, times=None))
    first = shop.run("same")
    assert (first.status, messages(first)) == ("failed", 1)
    shop.world.world.faults.clear()

    again = shop.run("same")

    assert (again.status, messages(again)) == ("success", 1)
    assert len(set(shop.received())) == len(shop.received()) == 2
    assert messages(shop.run("same")) == 0


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem", "BatchGetItem"])
@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_a_run_that_loses_its_tables_half_way_leaves_a_right_rest_to_the_next(
    operation: str, after: int, shop: Shop
) -> None:
    shop.world.world.faults.append(Fault("aws", operation, "status:503", after=after, times=None))
    shop.run("cut short")
    shop.world.world.faults.clear()

    report = shop.later(RUNS_APART).run()

    assert report.status == "success", report.problems
    assert len(set(shop.received())) == len(shop.received())
    assert {"confirmation", "guide"} <= accepted_kinds(shop)
    assert shop.open_messages() == set()


def accepted_kinds(shop: Shop) -> set[str]:
    return {
        name.removeprefix("message_")
        for item in shop.world.sms_items()
        for name, value in item.items()
        if name.startswith("message_") and value["state"] in WITH_PROVIDER
    }


def test_two_runs_at_once_send_each_message_once(shop: Shop) -> None:
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(shop.run, ["left", "right"]))

    assert len(set(shop.received())) == len(shop.received()) == 2
    assert sum(messages(report) for report in reports) == 2
    assert [report.contradictions for report in reports] == [(), ()]
    assert [report.status for report in reports] == ["success", "success"]


def patient(shop: Shop) -> Settings:
    settings = shop.settings
    sens = settings.sens.model_copy(update={"read_timeout": 30.0})
    return settings.model_copy(update={"sens": sens})


def test_a_stale_run_stops_when_its_store_was_taken_over(shop: Shop) -> None:
    shop.ledger_settings["lease_seconds"] = 0.5
    shop.env["NAVERPLACE_SENS__PARALLEL"] = "1"  # the second one after the first
    slow, fast = (
        RunContext(patient(shop), run_id=n, door="cli", dry_run=False) for n in ("slow", "fast")
    )
    sent_late = Fault("sens", "POST", "latency:5")
    shop.world.world.faults.append(sent_late)
    with ThreadPoolExecutor(1) as pool:
        delivering = pool.submit(
            store_delivery.deliver_store, slow, None, STORE, [shop.message(1), shop.message(2)]
        )
        while not sent_late.hits:
            time.sleep(0.02)
        taken = fast.store_locks.acquire(STORE, wait=True)
        results = delivering.result()

    assert [result.outcome for result in results] == [Outcome.ACCEPTED, Outcome.FAILED]
    assert "another run has taken over" in results[1].message
    assert len(shop.received()) == 1
    taken.renew()
    assert PendingMessage(key_of(2), "guide") in shop.open_messages()


@pytest.mark.parametrize("sent", [True, False])
def test_a_doubt_is_settled_even_when_its_message_has_become_too_late(
    sent: bool, shop: Shop
) -> None:
    shop.crash(shop.message(), sent=sent)
    shop.later(RUNS_APART)
    run = RunContext(shop.settings, run_id="next", door="cli", dry_run=False)
    late = replace(shop.message(), expires=run.clock.now() - timedelta(seconds=1))

    (result,) = store_delivery.deliver_store(run, None, STORE, [late])

    assert result.outcome is (Outcome.ADOPTED if sent else Outcome.SKIPPED)
    assert shop.ledger().state == (MessageStatus.ACCEPTED if sent else MessageStatus.OWED)
    assert shop.open_messages() == set()
    assert len(shop.received()) == sent


def test_a_late_message_in_doubt_is_not_forgotten_while_the_log_cannot_be_read(shop: Shop) -> None:
    shop.crash(shop.message(), sent=True)
    shop.later(RUNS_APART)
    shop.world.world.faults.append(Fault("sens", "GET", "status:503", times=None))
    run = RunContext(shop.settings, run_id="next", door="cli", dry_run=False)
    late = replace(shop.message(), expires=run.clock.now() - timedelta(seconds=1))

    (result,) = store_delivery.deliver_store(run, None, STORE, [late])

    assert result.outcome is Outcome.IN_DOUBT
    assert "too late" in result.message
    assert shop.open_messages() == {PendingMessage(key_of(FIRST), "guide")}


def test_nothing_is_sent_when_the_stores_item_cannot_be_written(shop: Shop) -> None:
    shop.world.world.faults.append(Fault("aws", "PutItem", "status:503", times=None))
    run = RunContext(shop.settings, run_id="run", door="cli", dry_run=False)

    (result,) = store_delivery.deliver_store(run, None, STORE, [shop.message()])

    assert (result.outcome, shop.received()) == (Outcome.FAILED, [])
    assert "not tried" in result.message
