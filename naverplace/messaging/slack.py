"""Slack: an incoming webhook for notices and summaries (outside-services: Slack webhook)."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import urlsplit

from naverplace.base.errors import OutcomeUnknown, Permanent, Refused, Throttled
from naverplace.base.http import retry_after
from naverplace.base.translation import gettext as _
from naverplace.messaging.channel import post_json, send_parts
from naverplace.messaging.single_send_http import HttpResponse, SingleSendClient
from naverplace.messaging.telegram import split_text
from naverplace.redaction.redactor import safe_quote
from naverplace.settings.schema import SlackSettings

BLOCKS = 50  # of one message
SECTION = 3000  # characters of one section
_FAULTS = {400, 403, 404, 405, 410, 413}
# What a live webhook answers to a message without text; a dead one says no_service and the like.
_ALIVE = {"no_text", "invalid_payload", "missing_text_or_fallback_or_attachments"}


class Slack:
    """The way to the channel that the webhook belongs to."""

    def __init__(self, settings: SlackSettings) -> None:
        self.settings = settings

    def send(self, text: str) -> None:
        """Send a text, shown as it is: no markup, so that no name can change how it looks.

        Raises Refused, Throttled or ServiceUnavailable when nothing was accepted, OutcomeUnknown
        when it may have been, or when only the first parts were, Permanent without a webhook.
        """
        sections = [
            {"type": "section", "text": {"type": "plain_text", "text": part, "emoji": False}}
            for part in split_text(text, SECTION)
        ]
        posts = [sections[i : i + BLOCKS] for i in range(0, len(sections), BLOCKS)]
        short = text if len(text) <= SECTION else text[: SECTION - 1] + "…"
        fallback = escape(short, quote=False)  # here Slack reads its markup
        send_parts(
            "Slack",
            posts,
            lambda post: self._post({"text": fallback, "blocks": post}, private=text),
        )

    def check(self) -> str:
        """Prove that the webhook is alive, by a message that Slack must refuse as empty."""
        try:
            self._post({}, private="")
        except Refused as error:
            if error.code not in _ALIVE:
                raise
        return _("the webhook is alive")

    def _post(self, payload: Mapping[str, Any], *, private: str) -> HttpResponse:
        if self.settings.webhook_url is None:
            raise Permanent("Slack is switched on, but NAVERPLACE_SLACK__WEBHOOK_URL is not set")
        url = self.settings.webhook_url.get_secret_value()
        parts = urlsplit(url)
        return post_json(
            SingleSendClient("Slack", url, self.settings.timeout, self.settings.timeout),
            f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}",
            payload,
            settings=self.settings,
            judge=lambda answer: _judge(answer, private=private),
        )


def _judge(answer: HttpResponse, *, private: str) -> None:
    if answer.status == 200 and answer.text == "ok":
        return
    if answer.status == 429:
        asked = retry_after(answer.headers.get("retry-after"))
        raise Throttled("Slack: asks us to wait (429); nothing was accepted", retry_after=asked)
    # Some refusals come with 200 (outside-services: Slack webhook): only the body 'ok' is a yes.
    if answer.status in _FAULTS or (answer.status == 200 and answer.text):
        words = safe_quote(answer.text, private=(private,))
        raise Refused(
            f"Slack: refused with {answer.status}: {words}; check NAVERPLACE_SLACK__WEBHOOK_URL "
            "and the channel behind it",
            code=words if answer.text.isidentifier() else str(answer.status),
        )
    raise OutcomeUnknown(
        f"Slack: answered {answer.status}, which does not say whether it took the message"
    )
