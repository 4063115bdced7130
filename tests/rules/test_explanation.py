"""Why and until when: each answer changes at the moment that is named, and not before."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from naverplace.base.registry import Registry
from naverplace.base.yaml_nodes import Position
from naverplace.domain.booking import BookingStatus
from naverplace.domain.effects import SendSms
from naverplace.rules.conditions import CONDITIONS, Context, Evaluation
from naverplace.rules.evaluation import compile_condition
from naverplace.rules.explanation import Answer, Explainer, explain_condition
from naverplace.rules.rule_parser import Call, Condition, ConditionGroup
from naverplace.rules.rulebook import Rulebook, load_rulebook
from tests.examples import examples
from tests.rule_builders import (
    NOW,
    TEMPLATES,
    a_booking,
    a_record,
    a_rule,
    a_rulebook,
    at,
    shipped,
    stores,
)

CASES = 10_000 if examples(1_000) < 1_000 else 100_000  # many at night
Choice = tuple[str, Callable[[random.Random], dict[str, Any]]]
OF_TIME: tuple[Choice, ...] = (
    ("starts_in_future", lambda _: {}),
    ("date_is_today", lambda _: {}),
    ("time_before_booking", lambda dice: {"hours": dice.choice([0.5, 1, 2, 24, 30, 72])}),
    ("current_hour", lambda dice: {"hour": dice.randrange(24)}),
)
OTHERS: tuple[Choice, ...] = (
    ("booking_in_db", lambda _: {}),
    ("booking_status", lambda dice: {"status": (dice.choice(list(BookingStatus)).value,)}),
)
SHARES = (1, 59, 60, 3599, 3600, 3601, 86399, 86400)


def a_condition(dice: random.Random, depth: int = 2) -> Condition:
    """Make a random condition, or a group of some."""
    if depth == 0 or dice.random() < 0.4:
        word, parameters = dice.choice(OF_TIME if dice.random() < 0.8 else OTHERS)
        return Call(word, parameters(dice), Position("r.yaml", 1, 1), word)
    word = dice.choice(["all", "any", "not"])
    count = 1 if word == "not" else dice.randint(1, 3)
    return ConditionGroup(word, tuple(a_condition(dice, depth - 1) for _ in range(count)), word)


def a_context(dice: random.Random) -> Context:
    """Make a booking that starts up to five days away, at an odd or a round moment."""
    away = dice.choice([dice.randint(-100_000, 400_000), dice.choice(SHARES), -dice.choice(SHARES)])
    now = NOW + timedelta(
        seconds=dice.randint(0, 86_400), microseconds=dice.choice([0, 1, 500_000])
    )
    start = now.replace(microsecond=0) + timedelta(seconds=away)
    booking = a_booking(start=start, status=dice.choice(list(BookingStatus)))
    record = dice.choice([None, a_record(booking)])
    return Context(booking, record, now, stores(), {})


def test_an_answer_changes_at_the_named_moment_and_not_a_second_before() -> None:
    dice = random.Random(1)
    changed = never = 0
    for _ in range(CASES // 20):
        condition = a_condition(dice)
        holds = compile_condition(condition, CONDITIONS)
        for ctx in (a_context(dice) for _ in range(20)):
            now = holds(ctx).holds
            change = explain_condition(condition, ctx).change
            assert change.known
            if change.at is None:
                never += 1
                later = ctx.now + timedelta(seconds=dice.randint(0, 3_000_000))
                assert holds(replace(ctx, now=later)).holds == now, (condition, ctx, later)
                continue
            changed += 1
            before = max(change.at - timedelta(seconds=1), ctx.now)
            between = ctx.now + (change.at - ctx.now) * dice.random()
            assert ctx.now < change.at
            assert holds(replace(ctx, now=change.at)).holds != now, (condition, ctx)
            assert holds(replace(ctx, now=before)).holds == now, (condition, ctx)
            if between < change.at:
                assert holds(replace(ctx, now=between)).holds == now, (condition, ctx)
    assert changed + never == CASES
    assert min(changed, never) > CASES // 10


def explained(book: Rulebook, *, start: str, now: datetime = NOW) -> list[Answer]:
    booking = a_booking(start=at(start))
    record = a_record(booking, confirm_sms=True)
    return Explainer(book).explain(Context(booking, record, now, book.stores, book.fields))


def named(answers: Iterable[Answer], text: str) -> Answer:
    return next(answer for answer in answers if answer.text.startswith(text))


def test_a_guide_says_from_when_it_is_owed_and_until_when() -> None:
    guide = named(explained(shipped(), start="2025-10-22 17:00"), "guide")

    hours = named(guide.parts, "time_before_booking")
    sent = named(guide.parts, "send_sms")
    assert (guide.holds, hours.holds, sent.holds) == (False, False, False)
    assert guide.change.at == hours.change.at == sent.change.at == at("2025-10-22 15:00")
    assert named(guide.parts, "flag_not_set").change.at is None

    guide = named(
        explained(shipped(), start="2025-10-22 17:00", now=at("2025-10-22 15:20")), "guide"
    )
    assert (guide.holds, guide.change.at) == (True, at("2025-10-22 17:00"))
    assert isinstance(named(guide.parts, "send_sms").effect, SendSms)


def test_a_message_that_waits_for_its_hours_says_when_they_begin(tmp_path: Path) -> None:
    templates = TEMPLATES.replace("note: {text:", 'note: {send_between: ["15:00", "18:00"], text:')
    book = a_rulebook(tmp_path, a_rule("booking_in_db", "send_sms: note"), templates=templates)

    (rule,) = explained(book, start="2025-10-25 10:00")

    sent = named(rule.parts, "send_sms")
    assert (rule.holds, rule.change.at) == (True, None)
    assert (sent.holds, sent.why) == (False, "only from 15:00 to 18:00")
    assert sent.change.at == at("2025-10-22 15:00")


def test_what_cannot_be_decided_says_why(tmp_path: Path) -> None:
    when = "field: {name: total_price, at_least: 50000}"
    (rule,) = explained(a_rulebook(tmp_path, a_rule(when)), start="2025-10-25 10:00")

    assert rule.holds is None
    assert "the booking has no 'total_price'" in rule.why


def test_a_condition_of_ones_own_that_names_no_moments_is_not_said_to_stay(
    tmp_path: Path,
) -> None:
    registry = Registry("condition")
    registry.update(CONDITIONS)

    @registry
    def is_noon(ctx: Context) -> Evaluation:
        """Hold at noon.

        - is_noon
        """
        return Evaluation(ctx.now.hour == 12)

    a_rulebook(tmp_path, a_rule("booking_in_db"))
    (tmp_path / "r.yaml").write_text(a_rule("is_noon"), "utf-8")
    book = load_rulebook(tmp_path, stores(), fields=[], conditions=registry)
    ctx = Context(a_booking(), None, NOW, book.stores, book.fields)

    (rule,) = Explainer(book, conditions=registry).explain(ctx)

    assert (rule.holds, rule.change.at, rule.change.known) == (False, None, False)
