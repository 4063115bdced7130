"""Expands a scenario's YAML into raw bookings and records, the same ones every time."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from sandbox.naver.bookings import Raw, a_booking
from sandbox.naver_account import Account, Login
from sandbox.scenarios.roles import CONFIRMED, EXTRA, ROLES, Flags, Role, a_name, a_phone, record_of

FOLDER = Path(__file__).parent
FIRST_ID = 1_000_000_001
# Data read from a file is only ever copied, so that two worlds never share a booking.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class Scenario:
    """A world to start from, and what a right run of it does."""

    name: str
    about: str
    now: datetime
    stores: dict[str, list[Raw]]
    records: list[dict[str, Any]]  # items of table `sms`
    expected: Mapping[str, Any]
    account: Account = field(default_factory=Account)
    login: Login | None = None  # alive at Naver, and stored in table `session`

    @property
    def session(self) -> dict[str, str] | None:
        """Give the item of table `session`; None when nobody is logged in."""
        return self.login.session_item() if self.login else None


def scenario_names() -> list[str]:
    """List the scenarios that are shipped."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_scenario(name: str | Path) -> Scenario:
    """Load a scenario by name, or from a YAML file's path. Raises ValueError for an unknown one."""
    path = Path(name) if str(name).endswith(".yaml") else FOLDER / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(scenario_names())
        raise ValueError(f"no scenario {str(name)!r}; known: {known}, or a path ending in .yaml")
    spec = _read(path)
    base = _read(path.parent / f"{spec['base']}.yaml") if "base" in spec else {}
    plan = {**base, **spec}
    now = datetime.fromisoformat(plan["now"])
    builder = _Builder(plan, built_at=datetime.fromisoformat(base.get("now", plan["now"])))
    stores = {store: builder.store(store, dict(counts)) for store, counts in plan["stores"].items()}
    return Scenario(
        name=path.stem,
        about=plan["about"].strip(),
        now=now,
        stores=stores,
        records=builder.records,
        expected=dict(plan["expected"]),
        account=Account(**plan.get("account", {})),
        login=Login.at(now, keep=True) if plan.get("session") == "alive" else None,
    )


@cache
def _read(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506
    return data


class _Builder:
    """Hands out ids, phones and names in order, so that a scenario never changes by itself."""

    def __init__(self, plan: Mapping[str, Any], *, built_at: datetime) -> None:
        self.now = built_at
        self.records: list[dict[str, Any]] = []
        self._settled = set(plan.get("settled", ()))
        self._special = plan.get("special", ())
        self._names = {role: iter(names) for role, names in plan.get("names", {}).items()}
        self._ids = count(FIRST_ID)
        self._nth = {role: count() for role in ROLES}

    def store(self, store: str, counts: dict[str, int]) -> list[Raw]:
        """Build one store's bookings, shuffled as Naver's own order means nothing to us."""
        special = [case for case in self._special if case["store"] == store]
        bookings = [self._special_booking(case) for case in special]
        for role in self._roles(counts, special):
            bookings.append(self._booking(store, role))
        random.Random(store).shuffle(bookings)
        return bookings

    def _roles(self, counts: dict[str, int], special: list[dict[str, Any]]) -> Iterator[str]:
        completed = sum(case.get("status") == "RC08" for case in special)
        left = {
            "RC03": counts.pop("confirmed", 0) - len(special) + completed,
            "RC08": counts.pop("completed", 0) - completed,
        }
        for role, wanted in counts.items():
            status = ROLES[role].status
            if role not in EXTRA:
                left[status] -= wanted
            yield from [role] * wanted
        if min(left.values()) < 0:
            raise ValueError(f"more bookings are named than there are in total: {left}")
        yield from (CONFIRMED[n % len(CONFIRMED)] for n in range(left["RC03"]))
        yield from ["completed_plain"] * left["RC08"]

    def _booking(self, store: str, name: str) -> Raw:
        role, nth, booking_id = ROLES[name], next(self._nth[name]), next(self._ids)
        start = role.start(self.now, nth)
        raw = a_booking(
            store,
            booking_id,
            start,
            status=role.status,
            name=next(self._names.get(name, iter(())), a_name(booking_id - FIRST_ID)),
            phone=a_phone(booking_id - FIRST_ID),
            options=role.options(nth),
            made=role.made(self.now, start, nth),
        )
        self._remember(raw, role.flags_when(settled=name in self._settled), start)
        return raw

    def _special_booking(self, case: Mapping[str, Any]) -> Raw:
        booking_id = next(self._ids)
        role: Role = ROLES["completed_plain" if case.get("status") == "RC08" else "ahead"]
        start = role.start(self.now, 0, in_days=case.get("in_days", 5))
        raw = a_booking(
            case["store"],
            booking_id,
            case.get("raw_start", start),
            status=role.status,
            name=case.get("name", a_name(booking_id - FIRST_ID)),
            phone=case.get("phone", a_phone(booking_id - FIRST_ID)),
            options=[(option, 1) for option in case.get("options", ("인원 추가 (1인)",))],
            made=role.made(self.now, start, 0),
        )
        self._remember(raw, role.flags if case.get("record", True) else None, start)
        return raw

    def _remember(self, raw: Raw, flags: Flags | None, start: datetime) -> None:
        if flags is not None:
            self.records.append(record_of(raw, flags, start=start))
