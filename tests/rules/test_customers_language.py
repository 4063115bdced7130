"""The customer's language, and a visitor who is not the booker: docs/identity.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from naverplace.domain.booking import Booking
from naverplace.domain.extra_fields import load_fields, read_field
from naverplace.rules.rulebook import Rulebook
from tests.rule_builders import (
    NOW,
    ROOT,
    a_booking,
    a_record,
    a_rule,
    a_rulebook,
    decided,
    kinds,
    problems,
    recorded,
    sends,
    switched_on,
)

RULES = """\
- rule: guide
  when: [{booking_status: RC03}, {time_before_booking: 2}, {flag_not_set: remind_sms},
    not: {language: en}]
  then: [create_db_record, send_sms: guide]
- rule: guide-in-english
  when: [{booking_status: RC03}, {time_before_booking: 2}, {flag_not_set: remind_sms},
    language: en]
  then: [create_db_record, send_sms: {template: guide_en, once: guide}]
"""
TEXTS = """\
templates:
  guide: {text: "{{ booking.start }} 안내"}
  guide_en:
    text: "Your visit: {{ booking.start }}{% if booking.has_visitor %} (with a visitor){% endif %}"
"""
SOON = NOW.replace(hour=15)


@pytest.fixture
def book(tmp_path: Path) -> Rulebook:
    return a_rulebook(tmp_path, RULES, templates=TEXTS, fields=switched_on())


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


def test_one_of_several_languages_may_be_asked_for(tmp_path: Path) -> None:
    rule = a_rule("language: [en, ja]", "send_sms: note")
    book = a_rulebook(tmp_path, rule, fields=switched_on())

    got = {said: kinds(decided(book, [of(said)])) for said in ("en", "ja", "ko", None)}

    assert got == {"en": ["note"], "ja": ["note"], "ko": [], None: []}


def test_a_language_that_is_not_declared_or_not_written_as_one_is_refused(tmp_path: Path) -> None:
    rule = a_rule("language: english")

    assert "must declare 'language'" in problems(tmp_path, a_rule("language: en"))[0]
    assert "a language like en, ko" in problems(tmp_path, rule, fields=switched_on())[0]


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
