"""A dead-man's switch outside, as healthchecks.io is one: it calls when nobody pings any more."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Response

from sandbox.state import World

PATH = "/ping/00000000-0000-0000-0000-000000000000"


class DeadMansSwitch:
    """One check: whoever is silent longer than `limit` is called down, once, until the next ping.

    It calls the owner's Telegram by a bot of its own, past all faults.
    """

    def __init__(self, world: World, limit: timedelta = timedelta(minutes=15)) -> None:
        self.world, self.limit = world, limit
        self.last: datetime | None = None  # nobody is called down before the first ping
        self.down = False

    @property
    def due(self) -> datetime | None:
        """Tell when it will call if nobody pings until then; None when it waits for nothing."""
        return None if self.last is None or self.down else self.last + self.limit

    def ping(self) -> None:
        """Note that somebody lives."""
        with self.world.lock:
            self.last = self.world.now()
            if self.down:
                self.down = False
                self._call(f"🟢 naverplace: 신호가 다시 들어옵니다 ({self.last:%H:%M})")

    def look(self) -> None:
        """Call when the limit has passed."""
        with self.world.lock:
            if self.due is not None and self.due <= self.world.now():
                self.down = True
                self._call(
                    f"🔴 naverplace: {self.last:%H:%M} 이후 신호가 없습니다\n"
                    "예약 알림이 멈췄을 수 있습니다. 문자가 나가지 않고 있을 수 있습니다.\n"
                    "👉 서버와 워커가 켜져 있는지 확인해 주세요"
                )

    def forget(self) -> None:
        """Begin anew."""
        self.last, self.down = None, False

    def _call(self, text: str) -> None:
        message: dict[str, Any] = {
            "message_id": len(self.world.telegram) + 1,
            "chat_id": self.world.bot.chat_id,
            "text": text,
            "parse_mode": None,
            "at": self.world.now().isoformat(),
        }
        self.world.telegram.append(message)


def create_ping_app(switch: DeadMansSwitch) -> Flask:
    """Create the address that is pinged."""
    app = Flask("sandbox.dead_mans_switch")

    @app.route(PATH, methods=["GET", "HEAD", "POST"])
    def ping() -> Response:
        switch.ping()
        return Response("OK", mimetype="text/plain")

    return app
