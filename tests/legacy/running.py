"""The modelled legacy really running in a shop of two stores."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from legacy import run as legacy_run
from legacy.bookings import read
from legacy.settings import LegacySettings, from_sandbox
from sandbox.naver.bookings import a_booking
from sandbox.request_log import Seen
from sandbox.server import Sandbox
from tests.legacy.deciding import STORE

OTHER = "951291"


def settings_of(world: Sandbox, **changes: Any) -> LegacySettings:
    return replace(from_sandbox(world.environment()), store_ids=(STORE, OTHER), **changes)


def run(world: Sandbox, **changes: Any) -> None:
    assert legacy_run.run(settings_of(world, **changes)) == "success"


def book(world: Sandbox, number: int = 1, *, hours: float = 1, **changes: Any) -> None:
    start = (world.world.now() + timedelta(hours=hours)).replace(second=0, microsecond=0)
    values = {"phone": f"0100000{number:04}", **changes}
    world.world.stores[STORE].append(a_booking(STORE, number, start, **values))


def sent(world: Sandbox) -> list[tuple[str, str]]:
    return [(m["to"], m["content"]) for m in world.messages()]


def told(world: Sandbox) -> list[str]:
    return [text["text"] for text in world.world.telegram]


def asked(world: Sandbox, service: str, word: str = "") -> list[Seen]:
    return [seen for seen in world.world.requests if seen.service == service and word in seen.line]


def readable(world: Sandbox) -> None:
    """Leave out the rows that would end every run (L27)."""
    for rows in world.world.stores.values():
        rows[:] = [row for row in rows if not fatal(row)]


def fatal(row: dict[str, Any]) -> bool:
    try:
        read(row)
    except (KeyError, TypeError, ValueError):
        return True
    return False
