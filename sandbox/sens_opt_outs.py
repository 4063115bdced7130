"""The opt-outs in the simulated SENS (outside-services: SENS opt-outs and reservations)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from sandbox.sens_rules import Refusal
from sandbox.state import World

LARGEST_PAGE = 100
KST = timezone(timedelta(hours=9))


def list_opt_outs(world: World, query: Mapping[str, str]) -> list[dict[str, Any]]:
    """List one page of the opt-outs, filtered as the query says. Raises Refusal."""
    size, index = _number(query, "pageSize", 20), _number(query, "pageIndex", 0)
    if not 1 <= size <= LARGEST_PAGE:
        raise Refusal("Bad Request", f"pageSize must be 1 to {LARGEST_PAGE}")
    start, end = _number(query, "startTime", 0), _number(query, "endTime", 2**62)
    phone = query.get("clientTelNo")
    found = [
        {"clientTelNo": number, "registerTime": since, "registerType": "C"}
        for number, since in sorted(world.sens.opted_out.items(), key=lambda one: one[1])
        if start <= _milliseconds(since) <= end and phone in (None, number)
    ]
    return found[index * size : (index + 1) * size]


def register_time(now: datetime) -> str:
    """Word the moment of an opt-out, without a zone, as SENS does."""
    return now.astimezone(KST).strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03}"


def _milliseconds(since: str) -> int:
    return int(datetime.fromisoformat(since).replace(tzinfo=KST).timestamp() * 1000)


def _number(query: Mapping[str, str], name: str, missing: int) -> int:
    text = query.get(name, str(missing))
    if not text.isdigit():
        raise Refusal("Bad Request", f"{name} must be a number")
    return int(text)
