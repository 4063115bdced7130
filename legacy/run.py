"""One real run of the modelled legacy, over HTTP."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from legacy.decisions import FAILED
from legacy.login import cookies_for
from legacy.model import run as carry_out
from legacy.outside import BookingApi, DynamoTable, SensSender, TelegramChat
from legacy.ports import World, silent
from legacy.settings import LegacySettings


def run(settings: LegacySettings, *, out: Callable[[str], None] = silent) -> str:
    """Do one run; whatever happens ends as a success (L22). `out` gets the log (L21)."""
    with contextlib.suppress(Exception):  # also when not even Telegram answers
        _run(settings, out)
    return "success"


def _run(settings: LegacySettings, out: Callable[[str], None]) -> None:
    world = World(
        store_ids=settings.store_ids,
        table=DynamoTable(settings),
        sens=SensSender(settings),
        telegram=TelegramChat(settings),
        texts=settings.texts,
        now=local_now(settings),
        out=out,
    )
    try:
        cookies = cookies_for(settings)
        out(str(cookies))  # L21
        naver = BookingApi(settings, cookies)
    except Exception:  # noqa: BLE001 - L22
        world.telegram.send(FAILED)
        return
    carry_out(world, naver, pause=lambda: time.sleep(settings.pause))


def local_now(settings: LegacySettings) -> datetime:
    """Tell the container's naive local time (L23)."""
    now = datetime.now(UTC) + timedelta(seconds=settings.clock_offset)
    return now.astimezone(settings.zone).replace(tzinfo=None)
