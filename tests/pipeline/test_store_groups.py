"""A run that serves its stores in groups reports what one that has them all at once does."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import pytest

from naverplace.domain.effects import SendSms
from naverplace.pipeline import context, store_groups
from naverplace.pipeline.local_runner import ThreadExecutor, run_once
from naverplace.pipeline.run_order import RunSteps, _carry_out
from naverplace.pipeline.steps import RunResults
from naverplace.pipeline.today_files import TODAY
from naverplace.reporting.report import RunReport
from sandbox.server import Sandbox
from tests.pipeline.store_runs import Shop

ROOT = Path(__file__).resolve().parents[2]
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


def look(shop: Shop, folder: Path) -> tuple[RunReport, str]:
    """Give a dry run's report and its page."""
    folder.mkdir()
    settings = shop.settings.model_copy(update={"report_dir": folder})
    report = run_once(settings, run_id="look", door="cli", dry_run=True)
    (page,) = (page for page in folder.glob("*.html") if page.name != TODAY)
    return report, re.sub(r"\d\d:\d\d(:\d\d)?", "", page.read_text("utf-8"))


def figures(report: RunReport) -> dict[str, object]:
    return {n: v for n, v in report.as_json().items() if n not in TIMED | OF_PROCESS}
