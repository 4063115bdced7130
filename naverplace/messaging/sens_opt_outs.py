"""Who refused advertisements (outside-services: SENS opt-outs and reservations)."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode

from naverplace.base.clock import SEOUL, parse_time
from naverplace.base.errors import BadResponse, Permanent, ServiceUnavailable
from naverplace.messaging.sens import MAX_PAGES, PAGE, SensClient, advice, error_of, throttled
from naverplace.messaging.single_send_http import HttpResponse
from naverplace.redaction.redactor import safe_quote


class OptOut(NamedTuple):
    """A phone that refused advertisements, and when; SENS may not say when."""

    phone: str
    since: datetime | None


def list_opt_outs(sens: SensClient, since: datetime | None, until: datetime) -> list[OptOut]:
    """List who opted out in a span; without `since` everybody. Raises Transient, Permanent."""
    span = {"endTime": int(until.timestamp() * 1000)}
    if since is not None:
        span["startTime"] = int(since.timestamp() * 1000)
    found: list[OptOut] = []
    for index in range(MAX_PAGES):
        page = urlencode({"pageSize": PAGE, "pageIndex": index, **span})
        listed = sens.ask(f"unsubscribes?{page}", _opt_outs)
        found += listed
        if len(listed) < PAGE:
            return found
    raise BadResponse("SENS: the pages of the opt-outs do not come to an end")


def _opt_outs(answer: HttpResponse) -> list[OptOut]:
    if answer.status == 404 and not answer.body.strip():
        return []  # an empty list may come so; a service that is not ours says so in a body
    if answer.status == 429:
        raise throttled(answer)
    if answer.status >= 500:
        raise ServiceUnavailable(f"SENS: answered {answer.status} about the opt-outs")
    if answer.status != 200:
        code, words = error_of(answer)
        raise Permanent(
            f"SENS: refused to list the opt-outs with {answer.status} (code {code}): "
            f"{safe_quote(words)}; {advice(answer.status)}"
        )
    listed = answer.json_list()
    if listed is None or not all(isinstance(one, dict) for one in listed):
        raise BadResponse("SENS: the answer about the opt-outs holds no list of them")
    return [
        OptOut(str(one.get("clientTelNo") or ""), parse_time(one.get("registerTime"), SEOUL))
        for one in listed
    ]
