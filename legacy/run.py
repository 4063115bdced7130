"""One real run of the modelled legacy, over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from legacy.decisions import FAILED
from legacy.journal import Journal, NotedSens, NotedTable, NotedTelegram, Outcome
from legacy.login import cookies_for
from legacy.model import run as carry_out
from legacy.outside import BookingApi, DynamoTable, SensSender, TelegramChat
from legacy.ports import World, silent
from legacy.settings import LegacySettings


def run(settings: LegacySettings, *, out: Callable[[str], None] = silent) -> str:
    """Do one run; whatever happens ends as a success (L22). `out` gets the log (L21)."""
    observed(settings, out=out)
    return "success"


def observed(settings: LegacySettings, *, out: Callable[[str], None] = silent) -> Outcome:
    """Do one run and tell what it did, with the errors that nobody else hears about."""
    journal = Journal()
    try:
        _run(settings, journal, out)
    except Exception as error:  # noqa: BLE001 - L22: also when not even Telegram answers
        journal.die(error)
    return journal.outcome()


def _run(settings: LegacySettings, journal: Journal, out: Callable[[str], None]) -> None:
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
    try:
        cookies = cookies_for(settings)
        out(str(cookies))  # L21
        naver = BookingApi(settings, cookies)
    except Exception as error:  # noqa: BLE001 - L22
        journal.die(error)
        world.telegram.send(FAILED)
        return
    journal.lines += carry_out(world, naver, pause=lambda: time.sleep(settings.pause))


def local_now(settings: LegacySettings) -> datetime:
    """Tell the container's naive local time (L23)."""
    now = datetime.now(UTC) + timedelta(seconds=settings.clock_offset)
    return now.astimezone(settings.zone).replace(tzinfo=None)
