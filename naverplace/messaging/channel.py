"""What the owner's channels share: a text goes out in parts, and no part is sent twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from naverplace.base.errors import OutcomeUnknown, Refused, Transient
from naverplace.base.http import retry
from naverplace.messaging.single_send_http import HttpResponse, SingleSendClient
from naverplace.settings.schema import ChannelSettings

Part = TypeVar("Part")


def send_parts(service: str, parts: Sequence[Part], post: Callable[[Part], HttpResponse]) -> None:
    """Send a text part by part.

    Raises Refused without any part, OutcomeUnknown when only the first parts were sent, and what
    `post` raises.
    """
    if not parts:
        raise Refused(f"{service}: there is no text to send", code="no_text")
    for sent, part in enumerate(parts):
        try:
            post(part)
        except (Refused, Transient) as error:
            if not sent:
                raise
            raise OutcomeUnknown(
                f"{service}: only {sent} of {len(parts)} parts were sent: {error}"
            ) from error


def post_json(
    client: SingleSendClient,
    target: str,
    payload: Mapping[str, Any],
    *,
    settings: ChannelSettings,
    judge: Callable[[HttpResponse], None],
) -> HttpResponse:
    """Post once, and again only after a Transient, which proves that nothing was accepted.

    Raises what `judge` raises for an answer that is no acceptance.
    """

    def once() -> HttpResponse:
        headers = {"Content-Type": "application/json"}
        answer = client.send("POST", target, headers=headers, body=json.dumps(payload).encode())
        judge(answer)
        return answer

    return retry(
        once, attempts=settings.attempts, wait=settings.retry_wait, longest=settings.max_wait
    )
