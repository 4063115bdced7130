"""The customer's language, and a visitor who is not the booker: docs/identity.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from naverplace.domain.booking import Booking
from naverplace.domain.extra_fields import load_fields, read_field
from naverplace.rules.rulebook import Rulebook, load_rulebook
from tests.rule_builders import (
    DEFAULT_SENDER,
    NOW,
    ROOT,
    ROUTING,
    a_booking,
    a_record,
    decided,
    kinds,
    recorded,
    sends,
    stores,
)

RULES = """\
- rule: guide
  when: [{booking_status: RC03}, {time_before_booking: 2}, {flag_not_set: remind_sms},
    not: {field: {name: language, equals: en, if_missing: false}}]
  then: [create_db_record, send_sms: guide]
- rule: guide-in-english
  when: [{booking_status: RC03}, {time_before_booking: 2}, {flag_not_set: remind_sms},
    {field: {name: language, equals: en, if_missing: false}}]
  then: [create_db_record, send_sms: {template: guide_en, once: guide}]
"""
TEXTS = """\
templates:
  guide: {text: "{{ booking.start }} 안내"}
  guide_en:
    text: "Your visit: {{ booking.start }}{% if booking.has_visitor %} (with a visitor){% endif %}"
"""
SOON = NOW.replace(hour=15)


def switched_on() -> str:
    """The shipped declarations, with those that stand in comments there."""
    text = (ROOT / "rules/fields.yaml").read_text("utf-8")
    return (
        text.replace("  # language:", "  language:")
        .replace("  # has_", "  has_")
        .replace("  # visitor_", "  visitor_")
    )


@pytest.fixture
def book(tmp_path: Path) -> Rulebook:
    files = {"r": RULES, "templates": TEXTS, "notifications": ROUTING, "fields": switched_on()}
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text, "utf-8")
    return load_rulebook(tmp_path, stores(), default_sender=DEFAULT_SENDER)


def of(language: str | None, **more: object) -> Booking:
    return a_booking(start=SOON, extra={"language": language, "has_visitor": False, **more})


def test_a_customer_whose_language_is_english_gets_the_english_guide_only(book: Rulebook) -> None:
    booking = of("en")

    (sent,) = sends(decided(book, [booking], recorded(booking, confirm_sms=True)))

    assert (sent.kind, sent.template) == ("guide", "guide_en")
    assert sent.text.startswith("Your visit: ")


@pytest.mark.parametrize("language", ["ko", "ja", None])
def test_any_other_language_or_none_gets_the_usual_guide(
    book: Rulebook, language: str | None
) -> None:
    booking = of(language)

    (sent,) = sends(decided(book, [booking], recorded(booking, confirm_sms=True)))

    assert (sent.kind, sent.template) == ("guide", "guide")


def test_another_language_after_the_guide_brings_no_second_one(book: Rulebook) -> None:
    booking = of("en")

    assert kinds(decided(book, [booking], {booking.key: a_record(booking, remind_sms=True)})) == []


def test_a_visitor_who_is_not_the_booker_gets_nothing(book: Rulebook) -> None:
    booking = of("en", has_visitor=True, visitor_phone="01000000777", visitor_name="박둘")

    (sent,) = sends(decided(book, [booking], recorded(booking, confirm_sms=True)))

    assert sent.to == booking.phone
    assert sent.text.endswith("(with a visitor)")


def test_what_naver_says_of_language_and_visitor_is_read(tmp_path: Path) -> None:
    (tmp_path / "fields.yaml").write_text(switched_on(), "utf-8")
    fields = {field.name: field for field in load_fields(tmp_path / "fields.yaml")}
    raw = {
        "snapshotJson": {"language": "en"},
        "hasVisitor": True,
        "visitorName": "박둘",
        "visitorPhone": "010-0000-0777",
    }

    names = ("language", "has_visitor", "visitor_name", "visitor_phone")
    assert [read_field(fields[name], raw) for name in names] == [
        "en",
        True,
        "박둘",
        "010-0000-0777",
    ]
    assert [fields[name].personal for name in names] == [False, False, True, True]
    assert [read_field(fields[name], {}) for name in names] == [None] * 4


def test_they_are_off_by_default() -> None:
    declared = {field.name for field in load_fields(ROOT / "rules/fields.yaml")}

    assert declared & {"language", "has_visitor", "visitor_name", "visitor_phone"} == set()
