"""Invented bookings, records and rulebooks for the tests of rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from naverplace import engine
from naverplace.booking import Booking, BookingStatus, Option, new_item
from naverplace.clock import SEOUL
from naverplace.conditions import Context
from naverplace.effects import Decisions, SendSms, Verdict
from naverplace.fields import Field, load_fields
from naverplace.records import Record, from_item
from naverplace.rulebook import Rulebook, load_rulebook
from naverplace.stores import Store, load_stores

ROOT = Path(__file__).resolve().parents[1]
STORE = "1051707"
NOW = datetime(2025, 10, 22, 14, 2, 15, tzinfo=SEOUL)
START = datetime(2025, 10, 22, 16, 0, tzinfo=SEOUL)
SENDER = "0310000099"


@cache
def the_stores() -> dict[str, Store]:
    return load_stores(ROOT / "deployments/stores.yaml")


@cache
def the_fields() -> tuple[Field, ...]:
    return load_fields(ROOT / "rules/fields.yaml")


def the_access() -> dict[str, dict[str, SecretStr]]:
    return {
        store: {"door_code": SecretStr(f"{n}1*#"), "wifi_key": SecretStr(f"key-{n}")}
        for n, store in enumerate(the_stores())
    }


def read_rules(folder: Path, *, access: Mapping[str, Any] | None = None) -> Rulebook:
    return load_rulebook(
        folder,
        stores=the_stores(),
        fields=the_fields(),
        default_sender=SENDER,
        access=the_access() if access is None else access,
    )


@cache
def shipped() -> Rulebook:
    return read_rules(ROOT / "rules")


def a_booking(number: int = 1, **changes: Any) -> Booking:
    raw = f"0100000{number:04}"
    values: dict[str, Any] = {
        "store_id": STORE,
        "booking_id": 1_000_000_000 + number,
        "status": BookingStatus.CONFIRMED,
        "name": "나무",
        "phone": raw,
        "raw_phone": raw,
        "start": START,
        "options": (Option(name="무료 인화지 (네이버 포토리뷰 약속 시)"),),
        "read_at": NOW,
    }
    return Booking(**{**values, **changes})


def a_record(booking: Booking, **changes: Any) -> Record:
    return from_item({**new_item(booking), **changes})


def a_context(
    booking: Booking | None = None, record: Record | None = None, *, now: datetime = NOW
) -> Context:
    fields = {field.name: field for field in the_fields()}
    return Context(booking or a_booking(), record, now, the_stores(), fields)


def decide(
    bookings: Booking | Iterable[Booking],
    records: Iterable[Record] = (),
    *,
    now: datetime = NOW,
    book: Rulebook | None = None,
) -> Decisions:
    listed = [bookings] if isinstance(bookings, Booking) else list(bookings)
    by_key = {record.key: record for record in records}
    return engine.decide(listed, by_key, book or shipped(), now=now)


def kinds(decisions: Decisions) -> list[str]:
    return [effect.kind for effect in decisions.effects if isinstance(effect, SendSms)]


def messages(decisions: Decisions) -> list[SendSms]:
    return [effect for effect in decisions.effects if isinstance(effect, SendSms)]


def verdict(decisions: Decisions, rule: str) -> Verdict:
    [found] = [one for one in decisions.verdicts if one.rule == rule]
    return found


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)
