"""Mutants of the library: conditions, actions, reading, identity, moves, words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from naverplace.domain.effects import CreateRecord, RecordKey, SendSms
from naverplace.domain.message_kinds import FLAGS
from naverplace.rules.conditions import Evaluation
from trials.parity.mutants import Mutant, Wrong

Function = Callable[..., Any]


def _condition(name: str, word: str, wrong: Wrong) -> Mutant:
    return Mutant(name, place=f"condition:{word}", wrong=wrong)


def _sms(name: str, **changes: Callable[[SendSms, Any], Any]) -> Mutant:
    """Change what the action send_sms makes."""

    def wrong(right: Function) -> Function:
        def made(ctx: Any, **said: Any) -> Any:
            one = right(ctx, **said)
            if not isinstance(one, SendSms):
                return one
            return replace(one, **{field: new(one, ctx) for field, new in changes.items()})

        return made

    return Mutant(name, place="action:send_sms", wrong=wrong)


def _function(name: str, place: str, wrong: Wrong, *, reads: bool = False) -> Mutant:
    return Mutant(name, place=place, wrong=wrong, reads=reads)


def _always(value: Any) -> Wrong:
    return lambda _: lambda *args, **said: value


def _other(change: Callable[[Any], Any]) -> Wrong:
    """Change what the right one returns."""
    return lambda right: lambda *args, **said: change(right(*args, **said))


def _given(change: Callable[..., tuple[Any, ...]]) -> Wrong:
    """Change what the right one is given."""
    return lambda right: lambda *args, **said: right(*change(*args), **said)


def _not_at_two_hours(right: Function) -> Function:
    def wrong(ctx: Any, *, hours: float) -> Evaluation:
        found: Evaluation = right(ctx, hours=hours)
        return found._replace(holds=found.holds and found.holds_since != ctx.now)

    return wrong


def _until_after_start(right: Function) -> Function:
    def wrong(ctx: Any, *, hours: float) -> Evaluation:
        found: Evaluation = right(ctx, hours=hours)
        return found._replace(holds=found.holds or ctx.booking.start == ctx.now)

    return wrong


def _all_words(_: Function) -> Function:
    def wrong(ctx: Any, *, keywords: Any) -> Evaluation:
        return Evaluation(all(ctx.booking.has_keyword([word]) for word in keywords))

    return wrong


CONDITIONS = (
    _condition("not at exactly two hours", "time_before_booking", _not_at_two_hours),
    _condition("still at the start", "time_before_booking", _until_after_start),
    _condition("the future is always", "starts_in_future", _always(Evaluation(True))),
    _condition("the future never comes", "starts_in_future", _always(Evaluation(False))),
    _condition("nothing is new", "booking_not_in_db", _always(Evaluation(False))),
    _condition("nothing is known", "booking_in_db", _always(Evaluation(False))),
    _condition("everything is known", "booking_in_db", _always(Evaluation(True))),
    _condition(
        "the flags are read the wrong way",
        "flag_not_set",
        _other(lambda a: a._replace(holds=not a.holds)),
    ),
    _condition("the flags are all set", "flag_not_set", _always(Evaluation(False))),
    _condition(
        "the hour is London's",
        "current_hour",
        lambda right: (
            lambda ctx, **said: right(replace(ctx, now=ctx.now - timedelta(hours=9)), **said)
        ),
    ),
    _condition("any status will do", "booking_status", _always(Evaluation(True))),
    _condition("all words must be there", "has_option_keyword", _all_words),
)
ACTIONS = (
    _sms("every guide from the default sender", sender=lambda one, ctx: ctx.default_sender),
    _sms(
        "every message from the store's sender",
        sender=lambda one, ctx: ctx.store.sender or ctx.default_sender,
    ),
    _sms("to the number as it is written", to=lambda one, ctx: ctx.booking.raw_phone),
    _sms("no flag is set", flag=lambda one, ctx: None),
    _sms("another flag is set", flag=lambda one, ctx: "confirm_sms"),
    _sms("a short message", message_type=lambda one, ctx: "SMS"),
    _sms("called an advertisement", content_type=lambda one, ctx: "AD"),
    _sms("a text with a blank more", text=lambda one, ctx: one.text.replace(" ", "  ", 1)),
    _sms("a text cut to forty signs", text=lambda one, ctx: one.text[:40]),
    _sms(
        "the kinds of guides by the day",
        kind=lambda one, ctx: f"{one.kind}_{ctx.now:%d}" if one.kind == "guide" else one.kind,
    ),
    Mutant(
        "a record under another key",
        place="action:create_db_record",
        wrong=_other(
            lambda one: (
                replace(one, key=RecordKey(one.key.booking_num, "010-0000-0000"))
                if isinstance(one, CreateRecord)
                else one
            )
        ),
    ),
    Mutant(
        "a record with its confirmation done",
        place="action:create_db_record",
        wrong=_other(
            lambda one: (
                replace(one, item={**one.item, "remind_sms": True})
                if isinstance(one, CreateRecord)
                else one
            )
        ),
    ),
)


def _hours_off(hours: int) -> Wrong:
    return _other(lambda time: time and time + timedelta(hours=hours))


READING = (
    _function("times as London's", "quality.frames._visit", _hours_off(-9), reads=True),
    _function("times an hour late", "quality.frames._visit", _hours_off(1), reads=True),
    _function(
        "times a minute late",
        "quality.frames._visit",
        _other(lambda time: time and time + timedelta(minutes=1)),
        reads=True,
    ),
    _function(
        "numbers without their last digit",
        "quality.frames.normalise_phone",
        _other(lambda p: p[:-1]),
        reads=True,
    ),
    _function(
        "any number will do",
        "quality.frames.normalise_phone",
        lambda _: lambda raw: f"010{abs(hash(raw)) % 10**8:08d}",
        reads=True,
    ),
    _function(
        "numbers abroad are broken",
        "quality.frames.normalise_phone",
        _given(lambda raw: (raw.replace("+82", "+81"),)),
        reads=True,
    ),
    _function("no options are read", "quality.frames._options", _always(()), reads=True),
    _function(
        "only the first list of options",
        "quality.frames._options",
        _other(lambda o: o[1:]),
        reads=True,
    ),
    _function("no name is read", "quality.frames._text", _other(lambda t: t and t[:9]), reads=True),
    _function(
        "numbers one too high", "quality.frames._whole", _other(lambda n: n and n + 1), reads=True
    ),
    _function(
        "bookings without a name are refused",
        "quality.frames.to_bookings",
        _other(lambda found: [b for b in found if b.name]),
        reads=True,
    ),
    _function(
        "times in milliseconds are refused",
        "quality.frames._visit",
        lambda right: lambda value: None if "." in str(value) else right(value),
        reads=True,
    ),
    _function(
        "years of two digits",
        "quality.frames._visit",
        _other(lambda time: time and time.replace(year=2000 + time.year % 100)),
        reads=True,
    ),
    _function("no row is refused", "quality.validation._reasons", _always({}), reads=True),
    _function(
        "bookings at the week's end are refused",
        "quality.frames.to_bookings",
        _other(lambda found: [b for b in found if b.booking_id % 7]),
        reads=True,
    ),
)
DECIDING = (
    _function(
        "only the very key is known",
        "domain.record_matching.same_person",
        lambda _: lambda key, booking: key == booking.key,
    ),
    _function(
        "any phone is the same person",
        "domain.record_matching.same_person",
        lambda _: lambda key, booking: key.booking_num == booking.booking_num,
    ),
    _function("no booking moves", "rules.rescheduling.plan_reschedule", _always(None)),
    _function(
        "the older status counts",
        "domain.record_matching._age",
        _other(lambda age: (not age[0], *age[1:])),
    ),
    _function(
        "half of the bookings", "domain.record_matching.newest", _other(lambda found: found[::2])
    ),
    _function("all but the last", "rules.engine.in_order", _other(lambda found: found[:-1])),
    _function(
        "keys without hyphens",
        "domain.booking.legacy_sort_key_phone",
        _other(lambda k: k.replace("-", "")),
    ),
    _function(
        "a sign too many before the hyphen",
        "domain.booking.legacy_sort_key_phone",
        lambda _: lambda raw: f"{raw[:4]}-{raw[4:8]}-{raw[8:]}",
    ),
    _function(
        "keys without the blanks around a phone",
        "domain.booking.legacy_sort_key_phone",
        _given(lambda raw: (raw.strip(),)),
    ),
    _function(
        "only false is owed",
        "migration.parity.comparison_run.read_record",
        _given(lambda item: ({**item, **{f: item.get(f) != 0 for f in FLAGS}},)),
    ),
    _function(
        "decided a minute later",
        "rules.engine.match_and_decide",
        lambda right: (
            lambda *args, now, **said: right(*args, now=now + timedelta(minutes=1), **said)
        ),
    ),
    _function(
        "what is owed is dropped", "rules.engine._in_turn", _other(lambda effects: effects[:1])
    ),
    _function(
        "everything twice", "rules.engine._in_turn", _other(lambda effects: [*effects, *effects])
    ),
    _function("names as they come", "rules.templates.customer_name", lambda _: lambda text: text),
    _function("names cut", "rules.templates.customer_name", _other(lambda text: text[:2])),
    _function(
        "the clock of twenty-four hours",
        "base.korean_text.time_words",
        lambda _: lambda moment: f"{moment:%H:%M}",
    ),
    _function(
        "noon is called morning",
        "base.korean_text.time_words",
        _other(lambda words: words.replace("오후 12", "오전 12")),
    ),
    _function(
        "the day before",
        "base.korean_text.day_words",
        _given(lambda moment: (moment - timedelta(days=1),)),
    ),
)
CODE = (*CONDITIONS, *ACTIONS, *READING, *DECIDING)
