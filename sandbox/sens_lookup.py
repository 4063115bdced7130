"""The list call of SENS, by request or by time (outside-services: SENS list)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sandbox.sens_delivery import for_the_list, listed
from sandbox.sens_rules import Refusal
from sandbox.state import Raw, World

FILTERS = (
    "messageId",
    "type",
    "contentType",
    "countryCode",
    "from",
    "to",
    "status",
    "statusName",
    "statusCode",
)
WINDOWS = {"request": timedelta(days=30), "complete": timedelta(hours=24)}
TIME = "%Y-%m-%d %H:%M:%S"
PAGE, LARGEST_PAGE = 20, 100


def look_up(world: World, query: Mapping[str, str]) -> dict[str, Any]:
    """Answer a list call; raises Refusal."""
    chosen = _by_criterion(listed(world), query)
    for name in FILTERS:
        if query.get(name):
            chosen = [m for m in chosen if str(m.get(name, "")) == query[name]]
    size, start = _page_size(query), _start(query)
    page, end = chosen[start : start + size], start + size
    answer: dict[str, Any] = {
        "requestId": query.get("requestId"),
        "statusCode": "200",
        "statusName": "success",
        "messages": [for_the_list(message) for message in page],
        "pageSize": size,
        "itemCount": len(page),
        "hasMore": end < len(chosen),
    }
    if end < len(chosen):
        answer["nextToken"] = base64.urlsafe_b64encode(f"from:{end}".encode()).decode()
    return answer


def _by_criterion(messages: list[Raw], query: Mapping[str, str]) -> list[Raw]:
    names = [
        name
        for name in ("requestId", "request", "complete")
        if any(query.get(key) for key in (name, f"{name}StartTime", f"{name}EndTime"))
    ]
    if len(names) != 1:
        raise Refusal(
            "Bad Request",
            "exactly one of requestId, requestStartTime + requestEndTime, "
            "completeStartTime + completeEndTime is needed",
        )
    if names[0] == "requestId":
        return [m for m in messages if m["requestId"] == query["requestId"]]
    start, end = (_time(query, f"{names[0]}{edge}Time") for edge in ("Start", "End"))
    if not timedelta() <= end - start <= WINDOWS[names[0]]:
        raise Refusal("Bad Request", f"the window must be {WINDOWS[names[0]]} at most")
    key, window = f"{names[0]}Time", (f"{start:{TIME}}", f"{end:{TIME}}")
    return [m for m in messages if window[0] <= m.get(key, "") <= window[1]]


def _time(query: Mapping[str, str], name: str) -> datetime:
    try:
        return datetime.strptime(query.get(name, ""), TIME)  # noqa: DTZ007 - Korean time, no zone
    except ValueError:
        raise Refusal("Bad Request", f"{name} must be YYYY-MM-DD HH:mm:ss") from None


def _page_size(query: Mapping[str, str]) -> int:
    text = query.get("pageSize", str(PAGE))
    if not text.isdigit() or not 1 <= int(text) <= LARGEST_PAGE:
        raise Refusal("Bad Request", f"pageSize must be 1 to {LARGEST_PAGE}")
    return int(text)


def _start(query: Mapping[str, str]) -> int:
    token = query.get("nextToken", "")
    if not token:
        return 0
    try:
        word, _, number = base64.urlsafe_b64decode(token).decode().partition(":")
        if word == "from" and number.isdigit():
            return int(number)
    except (ValueError, binascii.Error):
        pass
    raise Refusal("Bad Request", "nextToken is not one of ours")
