"""A run that serves its stores in groups reports what one that has them all at once does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from itertools import chain
from pathlib import Path

import pytest

from naverplace.domain.effects import SendSms
from naverplace.pipeline import context, steps, store_groups
from naverplace.pipeline.context import RunContext
from naverplace.pipeline.local_runner import ThreadExecutor, run_once
from naverplace.pipeline.run_order import RunSteps, _carry_out, process
from naverplace.pipeline.steps import DecisionResult, RunResults, StoreBatch
from naverplace.pipeline.today_files import TODAY
from naverplace.quality.validation import ValidationResult
from naverplace.reporting.report import RunReport
from sandbox.naver.bookings import a_booking
from sandbox.server import Sandbox
from tests.delivery_builders import STORE
from tests.pipeline.store_runs import Shop

ROOT = Path(__file__).resolve().parents[2]
LAST = "867589"  # of the stores in their order; STORE is the first
TIMED = {"run_id", "phases", "seconds", "memory_mb", "allocated_mb", "spans", "calls", "page"}
OF_PROCESS = {"now", "started", "cold_start", "init_seconds", "problems", "thresholds"}


@pytest.fixture
def shop(world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(ROOT)
    return Shop(world, world_env)


def test_the_stores_are_split_in_their_order() -> None:
    stores = [str(number) for number in range(2 * store_groups.STORES + 1)]

    groups = store_groups.groups_of(stores)

    assert [len(group) for group in groups] == [store_groups.STORES, store_groups.STORES, 1]
    assert list(chain.from_iterable(groups)) == stores
    assert store_groups.groups_of([]) == [[]]


def test_groups_report_what_one_group_does(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once, page_at_once = look(shop, tmp_path / "at-once")
    monkeypatch.setattr(store_groups, "STORES", 1)
    grouped, page_grouped = look(shop, tmp_path / "grouped")

    assert len(at_once.stores) > 1
    assert figures(grouped) == figures(at_once)
    assert page_grouped == page_at_once


def test_no_message_of_any_group_is_lost_and_the_bookings_of_one_group_are_kept(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_groups, "STORES", 1)
    run = context.open_run(shop.settings, run_id="grouped", door="cli")
    results = RunResults()

    _carry_out(run, ThreadExecutor(), RunSteps(), results, lambda line: None)

    decided, validated = results.decided, results.validated
    assert decided is not None
    assert validated is not None
    assert set(decided.owners) == set(run.stores)
    owed = [effect for effect in decided.decisions.effects if isinstance(effect, SendSms)]
    assert len(shop.received()) == len(owed) > 1
    assert {match.booking.store_id for match in decided.matches} <= set(results.group)
    first, *_, last = validated.stores
    assert (len(first.good), len(first.good.columns)) == (first.rows - len(first.quarantined), 0)
    assert len(last.good.columns) > 0


def undecided(run: RunContext, validated: ValidationResult) -> DecisionResult:
    if any(store.store_id == STORE for store in validated.stores):
        raise LookupError("a defect")
    return steps.decide(run, validated)


def unchecked(run: RunContext, batches: Sequence[StoreBatch]) -> ValidationResult:
    if any(batch.store_id == STORE for batch in batches):
        raise LookupError("a defect")
    return steps.check_quality(run, batches)


@pytest.mark.parametrize("broken", [RunSteps(decide=undecided), RunSteps(check_quality=unchecked)])
def test_a_group_that_breaks_keeps_no_message_of_another_back(
    broken: RunSteps, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_groups, "STORES", 1)
    soon = shop.world.world.now() + timedelta(hours=1)
    shop.world.world.stores[LAST] = [a_booking(LAST, 7, soon)]
    run = context.open_run(shop.settings, run_id="grouped", door="cli")

    report = process(run, ThreadExecutor(), broken)

    served = {row["store_id"] for row in report.stores if sum(row["messages"].values())}
    assert (report.status, report.balanced) == ("failed", True)
    assert any("LookupError" in problem for problem in report.problems)
    assert len(report.stores) == len(run.stores)
    assert LAST in served
    assert STORE not in served


def test_what_was_in_doubt_is_resolved_once_also_when_the_first_group_breaks(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_groups, "STORES", 1)
    shop.crash(shop.message(), sent=True)
    later = shop.later(20 * 60).settings
    run = context.open_run(later, run_id="grouped", door="cli")

    report = process(run, ThreadExecutor(), RunSteps(decide=undecided))

    assert (report.settled, report.contradictions) == ({"adopted": 1}, ())


def look(shop: Shop, folder: Path) -> tuple[RunReport, str]:
    """Give a dry run's report and its page."""
    folder.mkdir()
    settings = shop.settings.model_copy(update={"report_dir": folder})
    report = run_once(settings, run_id="look", door="cli", dry_run=True)
    (page,) = (page for page in folder.glob("*.html") if page.name != TODAY)
    return report, re.sub(r"\d\d:\d\d(:\d\d)?", "", page.read_text("utf-8"))


def figures(report: RunReport) -> dict[str, object]:
    return {n: v for n, v in report.as_json().items() if n not in TIMED | OF_PROCESS}
