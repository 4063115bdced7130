"""Whole runs that are killed at some point; the next one, twenty minutes later, makes it right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from naverplace.domain.effects import MarkExpired
from naverplace.pipeline.context import open_run
from naverplace.pipeline.local_runner import ThreadExecutor
from naverplace.pipeline.run_order import RunSteps, process
from naverplace.pipeline.steps import note_due
from naverplace.pipeline.store_delivery import resolve_in_doubt
from naverplace.reporting.report import RunReport
from sandbox.faults import Fault
from sandbox.naver.bookings import a_booking
from sandbox.server import Sandbox
from tests.delivery_builders import STORE
from tests.killing import kill_command
from tests.pipeline.store_runs import Shop

ROOT = Path(__file__).resolve().parents[2]
RUNS_APART = 20 * 60


@pytest.fixture
def shop(world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(ROOT)
    # One message at a time, so that it is known what a killed run had under way.
    return Shop(world, {**world_env, "NAVERPLACE_SENS__PARALLEL": "1"})


def kill_a_run(shop: Shop, fault: Fault, *, once: Callable[[], object] = lambda: True) -> None:
    """Start a run as a process of its own, and kill it where the fault holds it."""
    kill_command(shop.world, shop.env, fault, "run", "--json", once=once)


def marks_of(shop: Shop) -> list[dict[str, object]]:
    """List what is marked as expired."""
    entries = [dict(v) for i in shop.world.sms_items() for n, v in i.items() if "message_" in n]
    return [entry for entry in entries if entry["state"] == "expired"]


def book_for_soon(shop: Shop) -> None:
    """Let a confirmed booking begin in half a minute, whose guide nobody sends."""
    soon = shop.world.world.now() + timedelta(seconds=30)
    shop.world.world.stores[STORE].append(a_booking(STORE, 7, soon, phone="01000000007"))
    named = {"booking_num": f"{STORE}_7", "phone": "010-0000-0007", "name": "나무늘보"}
    flags = {"confirm_sms": True, "remind_sms": False, "option_sms": False, "option_time": ""}
    shop.world.put_sms_item({**named, **flags, "booking_time": f"{soon:%Y-%m-%d %H:%M:%S}"})


def everybody_has_one(shop: Shop, report: RunReport) -> None:
    assert report.status == "success", report.problems
    assert report.contradictions == ()
    received = shop.received()
    assert len(received) == len(set(received)) == 2
    assert shop.open_messages() == set()


def test_killed_between_acceptance_and_record_the_next_run_adopts_it(shop: Shop) -> None:
    kill_a_run(shop, Fault("sens", "POST", "timeout_after"), once=lambda: len(shop.received()) == 1)

    report = shop.later(RUNS_APART).run()

    assert report.settled == {"adopted": 1}
    everybody_has_one(shop, report)


def test_killed_before_the_send_it_is_freed_and_sent_once(shop: Shop) -> None:
    kill_a_run(shop, Fault("sens", "POST", "timeout_before"))
    assert shop.received() == []

    report = shop.later(RUNS_APART).run()

    assert report.settled == {"freed": 1}
    everybody_has_one(shop, report)


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after"])
def test_killed_with_several_messages_under_way_each_is_settled(kind: str, shop: Shop) -> None:
    del shop.env["NAVERPLACE_SENS__PARALLEL"]
    fault = Fault("sens", "POST", kind, times=None)
    kill_a_run(shop, fault, once=lambda: fault.hits == 2)

    report = shop.later(RUNS_APART).run()

    assert report.settled == {"freed" if kind == "timeout_before" else "adopted": 2}
    everybody_has_one(shop, report)


def test_restarted_at_once_nothing_is_sent_twice_and_what_is_unsure_is_named(shop: Shop) -> None:
    kill_a_run(shop, Fault("sens", "POST", "timeout_before"))

    at_once = shop.run("restarted")

    assert at_once.status == "failed"
    assert [row["settled"] for row in at_once.unsettled] == ["in_run"]
    assert len(shop.received()) == 1
    everybody_has_one(shop, shop.later(RUNS_APART).run())


def test_killed_and_its_booking_cancelled_meanwhile_it_is_settled_and_not_sent(shop: Shop) -> None:
    kill_a_run(shop, Fault("sens", "POST", "timeout_before"))
    for bookings in shop.world.world.stores.values():
        bookings.clear()

    report = shop.later(RUNS_APART).run()

    assert report.settled == {"freed": 1}
    assert report.unsettled == ()
    assert shop.received() == []
    assert shop.open_messages() == set()


def test_killed_while_it_settles_what_another_has_left_the_third_ends_it(shop: Shop) -> None:
    kill_a_run(shop, Fault("sens", "POST", "timeout_after"), once=lambda: len(shop.received()) == 1)
    shop.later(RUNS_APART)
    kill_a_run(shop, Fault("sens", "GET", "timeout_before"))

    everybody_has_one(shop, shop.later(RUNS_APART).run())


@pytest.mark.parametrize(
    ("after", "kind"),
    # The puts: eight stores remembered, then one is taken, a record made, the store given back.
    [(8, "timeout_after"), (9, "timeout_after"), (10, "timeout_before")],
)
def test_killed_while_it_takes_or_gives_back_its_store_the_next_run_ends_it(
    after: int, kind: str, shop: Shop
) -> None:
    kill_a_run(shop, Fault("aws", "PutItem", kind, after=after))

    everybody_has_one(shop, shop.later(RUNS_APART).run())


def test_nothing_is_left_to_settle_after_a_run_that_nobody_killed(shop: Shop) -> None:
    everybody_has_one(shop, shop.run())
    run = shop.begin("look").run

    assert resolve_in_doubt(run) == []


def test_killed_after_it_marked_what_expired_the_next_run_names_it(shop: Shop) -> None:
    shop.later(3 * 3600)  # both bookings have begun by now, and no run has looked
    kill_a_run(shop, Fault("telegram", "POST", "timeout_before"), once=lambda: marks_of(shop))

    report = shop.later(RUNS_APART).run()

    assert report.expired
    assert report.status == "failed"  # a message is lost, which somebody must hear of
    assert len(report.problems) == len(report.expired)
    assert all("has expired" in problem for problem in report.problems), report.problems
    again = shop.later(RUNS_APART).run("one-more")
    assert again.expired == ()


def test_retried_under_its_own_name_what_it_marked_before_is_still_named(shop: Shop) -> None:
    shop.later(3 * 3600)
    kill_a_run(shop, Fault("telegram", "POST", "timeout_before"), once=lambda: marks_of(shop))
    (run_id,) = {str(mark["execution_id"]).partition("/")[0] for mark in marks_of(shop)}
    book_for_soon(shop)

    retried = shop.later(4 * 60).run(run_id)
    assert {row["booking"] for row in retried.expired} == {f"{STORE}_7"}
    report = shop.later(RUNS_APART).run()

    assert report.expired
    assert f"{STORE}_7" not in {row["booking"] for row in report.expired}


def test_what_a_dead_execution_marked_is_named_though_another_of_the_same_run_reports(
    shop: Shop,
) -> None:
    shop.later(3 * 3600)
    book_for_soon(shop)
    shop.later(60)
    dead: list[str] = []

    def marks_one_and_dies(*decided: Any) -> Any:
        """Be the retry of this run, which it outlives: a worker that was called dead too early."""
        begun = shop.begin("one")
        first = next(e for e in begun.effects if isinstance(e, MarkExpired))
        shop.deliver_all(begun, [first])
        dead.append(first.key.booking_num)
        return note_due(*decided)

    run = open_run(shop.settings, run_id="one", door="cli")
    told = process(run, ThreadExecutor(), replace(RunSteps(), note_due=marks_one_and_dies))
    assert told.expired
    assert dead[0] not in {row["booking"] for row in told.expired}

    assert dead[0] in {row["booking"] for row in shop.later(RUNS_APART).run("two").expired}
