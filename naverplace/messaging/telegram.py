"""Telegram: texts to the owner, without markup (L20; outside-services: Telegram sendMessage)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from naverplace.base.errors import OutcomeUnknown, Refused, Throttled
from naverplace.base.http import retry_after
from naverplace.base.translation import gettext as _
from naverplace.messaging.channel import post_json, send_parts
from naverplace.messaging.single_send_http import HttpResponse, SingleSendClient
from naverplace.redaction.redactor import safe_quote
from naverplace.settings.schema import TelegramSettings

LIMIT = 4096  # UTF-16 code units of one message
_FAULTS = {400, 401, 403, 404, 409, 413}


class Telegram:
    """The bot's way to the owner's chat."""

    def __init__(self, settings: TelegramSettings) -> None:
        self.settings = settings
        self._client = SingleSendClient(
            "Telegram", settings.url, settings.timeout, settings.timeout
        )

    def send(self, text: str) -> None:
        """Send a text, in as many messages as it needs.

        Raises Refused, Throttled or ServiceUnavailable when nothing was accepted, OutcomeUnknown
        when it may have been, or when only the first parts were.
        """
        chat = self.settings.chat_id
        send_parts(
            "Telegram",
            split_text(text),
            lambda part: self._call("sendMessage", {"chat_id": chat, "text": part}),
        )

    def check(self) -> str:
        """Prove the token and that the bot knows the chat; sends nothing."""
        self._call("getMe", {})
        self._call("getChat", {"chat_id": self.settings.chat_id})
        return _("the bot may write to the chat")

    def _call(self, method: str, values: dict[str, Any]) -> HttpResponse:
        token = quote(self.settings.bot_token.get_secret_value(), safe=":")
        return post_json(
            self._client,
            f"{self._client.path}/bot{token}/{method}",
            values,
            settings=self.settings,
            judge=lambda answer: _judge(answer, private=str(values.get("text", ""))),
        )


def _judge(answer: HttpResponse, *, private: str) -> None:
    read = answer.json()
    if answer.status == 200 and read.get("ok") is True:
        return
    parameters = read.get("parameters")
    more = parameters if isinstance(parameters, dict) else {}
    if answer.status == 429:
        asked = retry_after(more.get("retry_after"))
        if asked is None:
            asked = retry_after(answer.headers.get("retry-after"))
        raise Throttled("Telegram: asks us to wait (429); nothing was accepted", retry_after=asked)
    if answer.status in _FAULTS or (answer.status == 200 and read.get("ok") is False):
        words = safe_quote(str(read.get("description", "")), private=(private,))
        raise Refused(
            f"Telegram: refused with {answer.status}: {words}{_advice(answer.status, more)}",
            code=str(answer.status),
        )
    raise OutcomeUnknown(
        f"Telegram: answered {answer.status}, which does not say whether it took the message"
    )


def _advice(status: int, more: dict[str, Any]) -> str:
    if new := more.get("migrate_to_chat_id"):
        return f"; the group became a supergroup: set NAVERPLACE_TELEGRAM__CHAT_ID={new}"
    if status in (401, 404):
        return "; check NAVERPLACE_TELEGRAM__BOT_TOKEN"
    return "; check NAVERPLACE_TELEGRAM__CHAT_ID, and that the owner has not blocked the bot"


def split_text(text: str, limit: int = LIMIT) -> list[str]:
    """Cut a text into parts of at most `limit` UTF-16 units, at line ends where possible.

    Blank parts are left out, since Telegram refuses them.
    """
    parts: list[str] = []
    while units(text) > limit:
        fitting = text[:limit]
        while units(fitting) > limit:
            fitting = fitting[:-1]
        line_end = text.rfind("\n", 0, len(fitting) + 1)
        parts.append(fitting if line_end < 0 else text[:line_end])
        text = text[len(parts[-1]) :].removeprefix("\n")
    return [part for part in (*parts, text) if part.strip()]


def units(text: str) -> int:
    """Count UTF-16 code units, as Telegram does."""
    return len(text) + sum(sign > "\uffff" for sign in text)
