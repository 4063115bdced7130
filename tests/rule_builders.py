"""Invented bookings, records and rulebooks to decide about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from naverplace.base.clock import SEOUL
from naverplace.base.errors import RulesError
from naverplace.domain.booking import Booking, BookingStatus, Option
from naverplace.domain.effects import RecordKey, SendSms
from naverplace.domain.extra_fields import load_fields
from naverplace.domain.records import Record
from naverplace.domain.results import Decisions
from naverplace.domain.stores import Store, load_stores
from naverplace.rules.engine import match_and_decide
from naverplace.rules.rulebook import Rulebook, load_rulebook
from naverplace.rules.templates import Access

ROOT = Path(__file__).resolve().parents[1]
STORE = "1051707"
NOW = datetime(2025, 10, 22, 14, 2, 15, tzinfo=SEOUL)
DOOR_CODE = "7301*#"
DEFAULT_SENDER = "0310000000"


def at(text: str) -> datetime:
    """Read a Korean time such as 2025-10-22 14:00."""
    return datetime.fromisoformat(text).replace(tzinfo=SEOUL)


def a_booking(number: int = 1, **changes: Any) -> Booking:
    values: dict[str, Any] = {
        "store_id": STORE,
        "booking_id": number,
        "status": BookingStatus.CONFIRMED,
        "name": "김하나",
        "phone": f"0100000{number:04}",
        "raw_phone": f"0100000{number:04}",
        "start": NOW + timedelta(days=1),
        "read_at": NOW,
    }
    return Booking(**{**values, **changes})


def completed(number: int = 1, **changes: Any) -> Booking:
    """A booking of this morning with a review option."""
    review = (Option(name="무료 인화지 (네이버 포토리뷰 약속 시)"),)
    values = {"status": BookingStatus.COMPLETED, "start": at("2025-10-22 10:00"), "options": review}
    return a_booking(number, **{**values, **changes})


def a_record(booking: Booking, **changes: Any) -> Record:
    return replace(Record(booking.key, booking.name), **changes)


def recorded(booking: Booking, **changes: Any) -> dict[RecordKey, Record]:
    return {booking.key: a_record(booking, **changes)}


@lru_cache
def stores() -> dict[str, Store]:
    return load_stores(ROOT / "deployments/stores.yaml")


def access(**changes: str) -> Access:
    words = {"door_code": DOOR_CODE, "wifi_key": 'wi"fi\\001', **changes}
    return {store: {word: SecretStr(value) for word, value in words.items()} for store in stores()}


@lru_cache
def shipped() -> Rulebook:
    """The rules, texts and stores of this repository."""
    return load_rulebook(
        ROOT / "rules",
        stores(),
        access=access(),
        default_sender=DEFAULT_SENDER,
    )


def with_rules(book: Rulebook, *names: str) -> Rulebook:
    """The same rulebook with exactly these rules enabled."""
    assert set(names) <= {rule.name for rule in book.rules}
    rules = tuple(replace(rule, enabled=rule.name in names) for rule in book.rules)
    return replace(book, rules=rules)


def switched_on() -> str:
    """The shipped declarations of fields, with those that stand in comments there."""
    text = (ROOT / "rules/fields.yaml").read_text("utf-8")
    for name in ("language", "has_visitor", "visitor_name", "visitor_phone"):
        text = text.replace(f"  # {name}:", f"  {name}:")
    return text


TEMPLATES = """\
templates:
  note: {text: "{{ booking.start }} {{ booking.name }}"}
  confirmation: {text: "{{ booking.start }} confirmed"}
"""
ROUTING = """\
channels: {telegram: {enabled: true}, slack: {enabled: true}}
summary: [telegram]
alerts: [telegram]
"""


def a_rulebook(
    folder: Path,
    rules: str,
    *,
    templates: str = TEMPLATES,
    routing: str = ROUTING,
    fields: str = "",
    of_stores: dict[str, Store] | None = None,
    with_access: Access | None = None,
) -> Rulebook:
    """Load a rulebook written for one test; its rules stand in r.yaml."""
    files = {"r": rules, "templates": templates, "notifications": routing}
    files |= {"fields": fields} if fields else {}
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, "utf-8")
    return load_rulebook(
        folder,
        of_stores or stores(),
        fields=None if fields else load_fields(ROOT / "rules/fields.yaml"),
        access=with_access,
        default_sender=DEFAULT_SENDER,
    )


def a_rule(when: str, then: str = "create_db_record", name: str = "r") -> str:
    return f"- rule: {name}\n  when: [{when}]\n  then: [{then}]\n"


def problems(folder: Path, rules: str, **kwargs: Any) -> list[str]:
    """List the mistakes without the folder's name, each as file:line:column: text."""
    with pytest.raises(RulesError) as raised:
        a_rulebook(folder, rules, **kwargs)
    return [problem.removeprefix(f"{folder.as_posix()}/") for problem in raised.value.problems]


def decided(
    book: Rulebook,
    bookings: Iterable[Booking],
    records: dict[RecordKey, Record] | None = None,
    *,
    now: datetime = NOW,
) -> Decisions:
    return match_and_decide(bookings, records or {}, book, now=now)


def sends(decisions: Decisions) -> list[SendSms]:
    return [effect for effect in decisions.effects if isinstance(effect, SendSms)]


def kinds(decisions: Decisions) -> list[str]:
    return [effect.kind for effect in sends(decisions)]


def fired(decisions: Decisions) -> Sequence[str]:
    return [verdict.rule for verdict in decisions.verdicts if verdict.fired]
