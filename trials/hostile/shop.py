"""The world of one play: eight stores with a good customer each, and whatever a family adds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.credentials import STORE_IDS
from sandbox.naver.bookings import a_booking
from sandbox.server import Sandbox

SEOUL = ZoneInfo("Asia/Seoul")
NOW = datetime(2025, 10, 22, 14, 2, 15, tzinfo=SEOUL)
ROOT = Path(__file__).resolve().parents[2]
HOURS = timedelta(hours=1)
IDS = 920_000_000  # booking ids of the good customers; those of the families come after
FIRST = 10  # number of a family's first customer
SUBJECTS = {"[확인]": "confirmation", "[이용안내]": "guide", "[보정]": "retouch"}
# Everything that a booking says, a line each, so that an oracle can read it again.
TEXT = """\
이름:{{ booking.name }}
시작:{{ booking.start }}
번호:{{ booking.booking_num }}
{% for option in booking.options %}옵션:{{ option.name }}
{% endfor %}"""
GUIDE = "시작:{{ booking.start }}\n번호:{{ booking.booking_num }}\n문:{{ access.door_code }}"
TEMPLATES = {
    "templates": {
        "confirmation": {"type": "LMS", "subject": "[확인]", "text": TEXT},
        "retouch": {"type": "LMS", "subject": "[보정]", "text": TEXT},
        "guide": {
            "type": "LMS",
            "subject": "[이용안내]",
            "stores": dict.fromkeys(STORE_IDS, GUIDE),
        },
        "event": {"type": "LMS", "subject": "[리뷰]", "text": TEXT},
    }
}
RETOUCH = [
    {
        "rule": "retouch",
        "description": "whoever has chosen it",
        "when": [{"booking_status": "RC03"}, "booking_in_db", {"has_option_keyword": ["보정"]}],
        "then": [{"send_sms": "retouch"}],
    }
]


@dataclass(frozen=True)
class Customer:
    """A customer by number, who is owed a confirmation, and a guide when coming soon."""

    number: int
    store: str
    soon: bool = False

    @property
    def phone(self) -> str:
        """The number, as SENS is given it."""
        return f"0100000{self.number:04}"

    @property
    def booking_num(self) -> str:
        """The record's number."""
        return f"{self.store}_{IDS + self.number}"

    @property
    def start(self) -> datetime:
        """When they come."""
        return NOW.replace(second=0) + (HOURS if self.soon else 5 * HOURS)

    @property
    def owed(self) -> tuple[str, ...]:
        """The kinds of messages that a run of this afternoon owes them."""
        return ("confirmation", "guide") if self.soon else ("confirmation",)

    def raw(self, **changes: Any) -> dict[str, Any]:
        """Give the booking as Naver has it; `changes` are those of `a_booking`."""
        words = {"name": "나무늘보", "phone": self.phone, **changes}
        start = words.pop("start", self.start)
        return a_booking(self.store, IDS + self.number, start, **words)


def good_customers(stores: Iterable[str] = STORE_IDS) -> list[Customer]:
    """List one good customer for each store; the first one's guide is owed as well."""
    return [Customer(n, store, soon=n == 0) for n, store in enumerate(stores)]


def open_shop(sandbox: Sandbox, bookings: Mapping[str, list[Any]]) -> None:
    """Put bookings into the sandbox by store, with the owner's session alive."""
    sandbox.reset("empty", now=NOW)
    sandbox.log_in()
    with sandbox.world.lock:
        sandbox.world.stores.update({store: list(raws) for store, raws in bookings.items()})
    sandbox.world.requests.clear()


def write_rules(folder: Path) -> None:
    """Write the YAML files of this trial: the shipped rules with texts that tell everything."""
    rules = folder / "rules"
    rules.mkdir(parents=True)
    for name in ("reminders.yaml", "fields.yaml"):
        (rules / name).write_text((ROOT / "rules" / name).read_text("utf-8"), "utf-8")
    told = (ROOT / "rules" / "notifications.yaml").read_text("utf-8")
    told = told.replace("slack: {enabled: false}", "slack: {enabled: true}")
    told = told.replace("when: changes", "when: always")
    (rules / "notifications.yaml").write_text(told, "utf-8")
    # JSON is YAML.
    for name, content in (("templates.yaml", TEMPLATES), ("retouch.yaml", RETOUCH)):
        (rules / name).write_text(json.dumps(content, ensure_ascii=False, indent=1), "utf-8")
    stores = (ROOT / "deployments" / "stores.yaml").read_text("utf-8")
    (folder / "stores.yaml").write_text(stores, "utf-8")


def kind_of(message: Mapping[str, Any]) -> str:
    """Tell the kind of a text message by its subject."""
    return next((k for start, k in SUBJECTS.items() if message["subject"].startswith(start)), "?")


def told_by(message: Mapping[str, Any]) -> dict[str, list[str]]:
    """Read a text message's lines by their words."""
    found: dict[str, list[str]] = {}
    for line in str(message["original"]).split("\n"):
        word, _, value = line.partition(":")
        found.setdefault(word, []).append(value)
    return found
