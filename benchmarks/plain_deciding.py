"""The rules asked the plain way, every condition in full and in order: what deciding must equal."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from benchmarks.deciding import NOW, shipped
from naverplace.base.errors import CannotDecide
from naverplace.domain.booking import Booking, BookingStatus, Option, new_item
from naverplace.domain.message_kinds import FLAGS
from naverplace.domain.record_matching import MatchedBooking
from naverplace.domain.records import read_record
from naverplace.domain.results import RuleVerdict
from naverplace.rules.conditions import CONDITIONS, Context
from naverplace.rules.engine import RuleEngine
from naverplace.rules.rule_parser import Call, Condition
from naverplace.rules.rulebook import Rulebook

OPTIONS = ("무료 인화지 (네이버 포토리뷰 약속 시)", "보정 20분", "프로필 촬영", "인원 추가 (1인)")
Plain = tuple[bool, str, dict[str, Any]]  # holds, the first condition that said no, what was seen


def every_rule() -> Rulebook:
    """Give the shipped rules with all examples switched on."""
    book = shipped()
    return replace(book, rules=tuple(replace(rule, enabled=True) for rule in book.rules))


def ask(condition: Condition, ctx: Context) -> Plain:
    """Ask a condition or a group. Raises CannotDecide."""
    if isinstance(condition, Call):
        answer = CONDITIONS[condition.word](ctx, **condition.parameters)
        return answer.holds, "" if answer.holds else condition.text, dict(answer.observed)
    seen: dict[str, Any] = {}
    for part in condition.parts:
        holds, failed, observed = ask(part, ctx)
        if condition.word == "not":
            return not holds, condition.text if holds else "", observed
        if holds != (condition.word == "all"):
            return holds, failed, observed
        seen |= observed
    all_hold = condition.word == "all"
    return all_hold, "" if all_hold else condition.text, seen


def a_case(rng: random.Random, store_id: str) -> MatchedBooking:
    """Make a booking around its decisive moments, with a record or none, whole or odd."""
    minutes = rng.choice((-1500, -60, -1, 0, 1, 60, 119, 120, 121, 600, 5000))
    booking = Booking(
        store_id=store_id,
        booking_id=rng.randrange(1, 10**9),
        status=rng.choice(list(BookingStatus)),
        name="홍길동",
        phone="01000000001",
        raw_phone="010-0000-0001",
        start=NOW.replace(second=0) + timedelta(minutes=minutes),
        read_at=NOW,
        options=tuple(Option(name=name) for name in rng.sample(OPTIONS, rng.randrange(4))),
        extra={"total_price": 45_000} if rng.random() < 0.5 else {},
    )
    if rng.random() < 0.3:
        return MatchedBooking(booking, None)
    flags = {flag: rng.choice((True, False, None, "yes")) for flag in FLAGS}
    return MatchedBooking(booking, read_record({**new_item(booking), **flags}))


def differences(cases: int, *, seed: int = 1) -> list[str]:
    """Decide this many random cases both ways, and list where the verdicts differ."""
    rng, book = random.Random(seed), every_rule()  # noqa: S311 - repeatable
    engine, stores = RuleEngine(book), list(book.stores)
    found: list[str] = []
    for number in range(cases):
        match = a_case(rng, stores[number % len(stores)])
        now = NOW.replace(hour=rng.choice((9, 14, 19, 20, 21)))
        decided = engine.decide([match], now=now, served={})
        undecided = {error.rule for error in decided.errors}
        for verdict, rule in zip(decided.verdicts, book.rules, strict=True):
            plain = _plainly(match, rule.when, now, book)
            if not _agree(verdict, plain, undecided=rule.name in undecided):
                found.append(f"case {number} of seed {seed}: {verdict} is {plain} the plain way")
    return found


def _plainly(match: MatchedBooking, when: Condition, now: datetime, book: Rulebook) -> Plain | None:
    try:
        return ask(when, Context(*match, now, book.stores, book.fields))
    except CannotDecide:
        return None


def _agree(verdict: RuleVerdict, plain: Plain | None, *, undecided: bool) -> bool:
    if plain is None or undecided:  # an action of a rule that holds may be undecided as well
        return undecided and not verdict.fired and (plain is None or plain[0])
    holds, failed, seen = plain
    observed = {name: verdict.observed[name] for name in seen.keys() & verdict.observed.keys()}
    exact = holds or len(verdict.observed) == len(seen)  # actions add what they have seen
    return (verdict.fired, verdict.failed_condition, observed) == (holds, failed, seen) and exact
