"""The owner's channels by name: whatever tells the owner something opens them here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from naverplace.domain.effects import Channel
from naverplace.messaging.slack import Slack
from naverplace.messaging.telegram import Telegram
from naverplace.settings.schema import Settings


class OwnerChannel(Protocol):
    """One way to the owner."""

    def send(self, text: str) -> None:
        """Send a text, in as many messages as it needs.

        Raises Refused, Throttled or ServiceUnavailable when nothing was accepted, OutcomeUnknown
        when it may have been.
        """

    def check(self) -> str:
        """Prove that a message would arrive, without sending one; says what is good."""


OPENERS: Mapping[Channel, Callable[[Settings], OwnerChannel]] = {
    "telegram": lambda settings: Telegram(settings.telegram),
    "slack": lambda settings: Slack(settings.slack),
}


def open_channels(settings: Settings) -> dict[Channel, OwnerChannel]:
    """Open every channel that there is; nothing is asked before something is sent."""
    return {name: opened(settings) for name, opened in OPENERS.items()}
