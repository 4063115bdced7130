"""Whole runs on the big scenarios: every sum by kind and store, twice."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from naverplace.pipeline.local_runner import run_once
from naverplace.reporting.report import RunReport
from naverplace.settings.loader import load_settings
from sandbox.credentials import access_codes
from sandbox.faults import Fault
from sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def play(
    world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], RunReport]:
    """One run with the world as it is now."""
    monkeypatch.chdir(ROOT)

    def once() -> RunReport:
        settings = load_settings(env={**world_env, **world.environment()}, env_file=None)
        return run_once(settings, run_id=f"run-{uuid4()}", door="cli")

    return once


@pytest.mark.parametrize("scenario", ["first-run", "evening", "empty"])
def test_a_run_does_what_the_scenario_owes_and_the_next_one_nothing(
    world: Sandbox, play: Callable[[], RunReport], scenario: str
) -> None:
    world.reset(scenario)
    world.log_in()

    first, second = play(), play()

    assert first.problems == first.contradictions == ()
    assert first.messages == world.expected["messages"]
    assert first.quarantined == world.expected["quarantined"]
    assert first.bookings_confirmed == world.expected["bookings_confirmed"]
    assert first.bookings_completed == world.expected["bookings_completed"]
    assert first.writes_by_action.get("create_db_record", 0) == world.expected["records_created"]
    per_store = {store["store_id"]: store["messages"] for store in first.stores}
    assert {s: m for s, m in per_store.items() if any(m.values())} == {
        s: m for s, m in world.expected["messages_per_store"].items() if any(m.values())
    }
    assert sum(second.messages.values()) == 0
    arrived = second.receipts.get("delivered", 0)
    assert second.writes_by_action == ({"follow": arrived} if arrived else {})
    sent = Counter((m["to"], m["content"]) for m in world.messages())
    assert len(sent) == sum(sent.values()) == sum(first.messages.values())


def test_every_guide_carries_its_own_stores_door_code(
    world: Sandbox, play: Callable[[], RunReport]
) -> None:
    world.reset("first-run")
    world.log_in()

    play()

    codes = {s: c["door_code"] for s, c in access_codes().items()}
    stores: dict[str, set[str]] = {}
    for store_id, raws in world.world.stores.items():
        for raw in raws:
            digits = re.sub(r"^82|\D", "", str(raw.get("phone") or "")).lstrip("0")
            stores.setdefault(f"0{digits}", set()).add(store_id)
    guides = [m for m in world.messages() if "출입" in m["content"] and "비밀번호" in m["content"]]
    assert len(guides) == 15
    for message in guides:
        own = {codes[store_id] for store_id in stores[message["to"]]}
        told = {code for code in codes.values() if code in message["content"]}
        assert len(told) == 1
        assert told <= own


def test_summaries_go_to_slack_too_once_it_is_enabled_in_yaml(
    world: Sandbox,
    world_env: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    rules = tmp_path / "rules"
    shutil.copytree(ROOT / "rules", rules)
    routing = rules / "notifications.yaml"
    text = routing.read_text("utf-8")
    assert "slack: {enabled: false}" in text
    routing.write_text(text.replace("slack: {enabled: false}", "slack: {enabled: true}"), "utf-8")
    settings = load_settings(env={**world_env, "NAVERPLACE_RULES_DIR": str(rules)}, env_file=None)

    report = run_once(settings, run_id=f"run-{uuid4()}", door="cli")

    assert report.status == "success"
    assert len(world.world.telegram) == len(world.world.slack) == 1
    assert "문자 2건 접수" in str(world.world.slack[0])


def test_a_telegram_that_is_down_does_not_hide_what_was_sent(
    world: Sandbox, play: Callable[[], RunReport]
) -> None:
    world.world.faults.append(Fault("telegram", kind="status:500", times=None))

    report = play()

    assert sum(report.messages.values()) == len(world.messages()) == 2
    assert report.status == "failed"
    assert any("did not reach telegram" in problem for problem in report.problems)


def test_a_wrong_clock_stops_before_anything_is_decided(
    world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    offset = float(world_env["NAVERPLACE_CLOCK__OFFSET_SECONDS"]) + 600
    env = {**world_env, "NAVERPLACE_CLOCK__OFFSET_SECONDS": str(offset)}

    report = run_once(load_settings(env=env, env_file=None), run_id=f"run-{uuid4()}", door="cli")

    assert report.status == "failed"
    assert "ClockWrong" in report.problems[0]
    assert world.messages() == []
