"""One real run of the modelled legacy, over HTTP."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from legacy.login import cookies_for
from legacy.model import run as carry_out
from legacy.outside import BookingApi, DynamoTable, SensSender, TelegramChat
from legacy.ports import World
from legacy.settings import LegacySettings


def run(settings: LegacySettings) -> str:
    """Do one run; whatever happens ends as a success (L22)."""
    world = World(
        store_ids=settings.store_ids,
        table=DynamoTable(settings),
        sens=SensSender(settings),
        telegram=TelegramChat(settings),
        texts=settings.texts,
        now=local_now(settings),
    )
    try:
        naver = BookingApi(settings, cookies_for(settings))
    except Exception:  # noqa: BLE001 - L22
        world.telegram.send("요청중 오류 발생")
        return "success"
    carry_out(world, naver, pause=lambda: time.sleep(settings.pause))
    return "success"


def local_now(settings: LegacySettings) -> datetime:
    """Tell the container's naive local time (L23)."""
    now = datetime.now(UTC) + timedelta(seconds=settings.clock_offset)
    return now.astimezone(settings.zone).replace(tzinfo=None)
