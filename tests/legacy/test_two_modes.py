"""Deciding only and really running are one model: the same messages, the same table."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from legacy import run as legacy_run
from legacy.login import cookies_for
from legacy.model import decide, decide_from
from legacy.outside import BookingApi
from legacy.settings import LegacySettings, from_sandbox
from sandbox.server import Sandbox
from tests.legacy.running import readable

SCENARIOS = ("first-run", "evening", "quiet")


def begun(world: Sandbox, scenario: str) -> LegacySettings:
    world.reset(scenario)
    world.world.booking_switches.max_range_days = None
    world.log_in()
    readable(world)
    return from_sandbox(world.environment())


def posted(world: Sandbox) -> list[dict[str, Any]]:
    return [json.loads(seen.body) for seen in world.world.requests if seen.service == "sens"]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_deciding_only_gives_the_messages_and_the_table_of_a_real_run(
    world: Sandbox, scenario: str
) -> None:
    settings = begun(world, scenario)
    naver = BookingApi(settings, cookies_for(settings))
    items = {(item["booking_num"], item["phone"]): item for item in world.sms_items()}
    now = legacy_run.local_now(settings)

    decided = decide_from(
        naver, items, store_ids=settings.store_ids, now=lambda: now, texts=settings.texts
    )
    ran = legacy_run.observed(settings)

    assert decided.messages
    assert (decided.steps, decided.lines, decided.swallowed) == (
        ran.steps, ran.lines, ran.swallowed,
    )  # fmt: skip
    assert ran.items.items() <= decided.items.items()
    # SENS refuses some of them, which the legacy never sees (L14): what counts is what was posted.
    assert [(m.to, m.subject, m.text) for _, m in decided.messages] == [
        (body["messages"][0]["to"], body["subject"], body["content"]) for body in posted(world)
    ]
    assert sorted(decided.items.values(), key=str) == sorted(world.sms_items(), key=str)
    assert list(decided.telegram) == [text["text"] for text in world.world.telegram]


@dataclass
class Keeping:
    """Naver, and every row that it listed."""

    naver: BookingApi
    rows: dict[str, list[Any]] = field(default_factory=lambda: {"RC03": [], "RC08": []})

    def count(self, store_id: str, status: str, window: tuple[str, str] | None) -> Any:
        return self.naver.count(store_id, status, window)

    def page(self, store_id: str, status: str, *, page: int, window: tuple[str, str] | None) -> Any:
        rows = self.naver.page(store_id, status, page=page, window=window)
        self.rows[status] += rows
        return rows


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_lists_that_were_read_before_decide_the_same(world: Sandbox, scenario: str) -> None:
    settings = begun(world, scenario)
    naver = Keeping(BookingApi(settings, cookies_for(settings)))
    items = {(item["booking_num"], item["phone"]): item for item in world.sms_items()}
    local = legacy_run.local_now(settings)

    def now() -> datetime:
        return local

    texts, stores = settings.texts, settings.store_ids
    reading = decide_from(naver, items, store_ids=stores, now=now, texts=texts)
    read_before = decide(naver.rows["RC03"], naver.rows["RC08"], items, now=now, texts=texts)

    assert reading.messages
    assert (read_before.steps, read_before.lines) == (reading.steps, reading.lines)
    assert read_before.items == reading.items


def test_l23_the_zone_is_the_containers_in_a_real_run_too(world: Sandbox) -> None:
    settings = replace(begun(world, "quiet"), zone=ZoneInfo("UTC"))

    legacy_run.run(settings)

    # The confirmation only: for this container the guide's two hours begin in nine hours.
    assert [m["content"] for m in world.messages()] == [settings.texts.confirmation]
