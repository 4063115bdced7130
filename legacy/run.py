"""One real run of the modelled legacy, over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from legacy.death import ending
from legacy.journal import Journal, NotedSens, NotedTable, NotedTelegram, Outcome
from legacy.login import cookies_for, open_browser
from legacy.model import run as carry_out
from legacy.outside import BookingApi, DynamoTable, SensSender, TelegramChat
from legacy.ports import World, silent
from legacy.settings import LegacySettings


def run(settings: LegacySettings, *, out: Callable[[str], None] = silent) -> str:
    """Do one run, which ends as a success even when it failed (L22); `out` gets the log (L21).

    Raises what leaves the handler or its import (L31).
    """
    _run(settings, Journal(), out)
    return "success"


def observed(settings: LegacySettings, *, out: Callable[[str], None] = silent) -> Outcome:
    """Do one run and tell what it did, with the errors that nobody else hears about."""
    journal = Journal()
    try:
        _run(settings, journal, out)
    except Exception as error:  # noqa: BLE001 - L31
        journal.escape(error)
    return journal.outcome()


def _run(settings: LegacySettings, journal: Journal, out: Callable[[str], None]) -> None:
    browser = None
    if settings.check_in_browser and not settings.warm_start:
        with ending("L31"):  # at import: there is no handler yet that could send a text
            browser = open_browser(settings)
    world = World(
        store_ids=settings.store_ids,
        table=NotedTable(DynamoTable(settings), journal),
        sens=NotedSens(journal, SensSender(settings)),
        telegram=NotedTelegram(journal, TelegramChat(settings)),
        texts=settings.texts,
        now=lambda: local_now(settings),
        out=out,
        swallowed=journal.swallow,
        died=journal.die,
    )

    def opened() -> BookingApi:
        cookies = cookies_for(settings, browser)
        out(str(cookies))  # L21
        return BookingApi(settings, cookies)

    journal.lines += carry_out(world, opened, pause=lambda: time.sleep(settings.pause))


def local_now(settings: LegacySettings) -> datetime:
    """Tell the container's naive local time (L23)."""
    now = datetime.now(UTC) + timedelta(seconds=settings.clock_offset)
    return now.astimezone(settings.zone).replace(tzinfo=None)
