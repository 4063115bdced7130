"""A chain of many stores in the simulated world, and what its customers are owed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import yaml

from sandbox.naver.bookings import a_booking
from sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[2]
FIRST_STORE = 2_000_001
ANSWER_SECONDS = 0.25
SUBJECTS = {"[예약확정]": "confirmation", "[이용안내]": "guide"}
GUIDE = """{{ booking.name }}님, 잠시 후 {{ store.name }} 이용 시간입니다.
■ 이용 일시: {{ booking.start }}
■ 출입문 비밀번호: {{ access.door_code }}
"""


@dataclass(frozen=True)
class Customer:
    """One booking; `owed` are the kinds of messages that it is owed now."""

    store: str
    number: int
    hours: float  # until its start
    owed: tuple[str, ...]
    known: bool = False

    @property
    def phone(self) -> str:
        """The number, as SENS is given it."""
        return f"010{self.number:08}"


@dataclass(frozen=True)
class Chain:
    """The stores with three customers each: a new one, a new one who comes soon, a known one."""

    stores: tuple[str, ...]

    @classmethod
    def of(cls, stores: int) -> Chain:
        """Make a chain of so many stores."""
        return cls(tuple(str(FIRST_STORE + at) for at in range(stores)))

    def customers(self) -> Iterator[Customer]:
        """List every customer; phones are invented, from 010-0000-0000 up."""
        for at, store in enumerate(self.stores):
            yield Customer(store, 3 * at, 26.0, ("confirmation",))
            yield Customer(store, 3 * at + 1, 1.5, ("confirmation", "guide"))
            yield Customer(store, 3 * at + 2, 30.0, (), known=True)

    def owed(self) -> set[tuple[str, str]]:
        """List the messages that are owed, by phone and kind."""
        return {(c.phone, kind) for c in self.customers() for kind in c.owed}

    def open(self, sandbox: Sandbox) -> None:
        """Put the bookings into the world, with the owner's session alive."""
        sandbox.log_in()
        # Slow enough that without limits many requests would be under way at one moment.
        sandbox.world.latency.update(dict.fromkeys(("partner", "sens"), ANSWER_SECONDS))
        now = sandbox.world.now()
        for customer in self.customers():
            start = now + timedelta(hours=customer.hours)
            booking_id = 920_000_000 + customer.number
            raw = a_booking(customer.store, booking_id, start, phone=customer.phone)
            sandbox.world.stores.setdefault(customer.store, []).append(raw)
            if customer.known:
                phone = customer.phone
                item = {
                    "booking_num": f"{customer.store}_{booking_id}",
                    "phone": f"{phone[:3]}-{phone[3:7]}-{phone[7:]}",
                    "name": "나무늘보",
                    "booking_time": f"{start:%Y-%m-%d %H:%M:%S}",
                    **dict.fromkeys(("confirm_sms", "remind_sms", "option_sms"), True),
                    "option_time": "",
                }
                sandbox.put_sms_item(item)

    def write(self, folder: Path) -> dict[str, str]:
        """Write stores and rules for this chain, and give the variables that name them."""
        rules = folder / "rules"
        shutil.copytree(ROOT / "rules", rules)
        text = (rules / "reminders.yaml").read_text("utf-8")
        (rules / "reminders.yaml").write_text(text.replace(", per_store: true", ""), "utf-8")
        # The examples are about the shipped stores.
        for example, store in zip(
            ("1051707", "1285716", "951291"), cycle(self.stores), strict=False
        ):
            examples = (rules / "examples.yaml").read_text("utf-8").replace(example, store)
            (rules / "examples.yaml").write_text(examples, "utf-8")
        guide = {"type": "LMS", "subject": "[이용안내] {{ store.alias }}", "text": GUIDE}
        _dump(rules / "templates-guide.yaml", {"templates": {"guide": guide}})
        named = {s: {"name": f"셀프스튜디오 {s}점", "alias": f"{s}점"} for s in self.stores}
        _dump(folder / "stores.yaml", {"stores": named})
        codes = {s: {"door_code": f"{int(s) * 7919 % 1_000_000:06}#"} for s in self.stores}
        return {
            "NAVERPLACE_STORES_FILE": str(folder / "stores.yaml"),
            "NAVERPLACE_RULES_DIR": str(rules),
            "NAVERPLACE_ACCESS": json.dumps(codes),
        }


def kind_of(message: dict[str, Any]) -> str:
    """Tell the kind of a text message by its subject."""
    return next((k for start, k in SUBJECTS.items() if message["subject"].startswith(start)), "?")


def _dump(path: Path, tree: Any) -> None:
    path.write_text(yaml.safe_dump(tree, allow_unicode=True), "utf-8")
