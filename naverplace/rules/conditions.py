"""The conditions that a rule may name: each asks one question about a booking, at one moment.

A condition that cannot be decided raises CannotDecide; it never answers no for lack of knowledge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple, TypeVar

from naverplace.base.errors import CannotDecide
from naverplace.base.registry import Registry
from naverplace.base.translation import gettext as _
from naverplace.domain.booking import Booking
from naverplace.domain.extra_fields import Field
from naverplace.domain.records import Record
from naverplace.domain.stores import Store
from naverplace.rules.parameters import (
    Count,
    Day,
    FieldName,
    Flag,
    HourOfDay,
    HoursBefore,
    KnownKind,
    KnownStoreIds,
    Languages,
    Statuses,
    Switch,
    Text,
    ValidationContext,
    Value,
    Values,
    Words,
    compare_field,
    cross_validate,
    not_declared,
    one_comparison,
)

F = TypeVar("F", bound=Callable[..., Any])
_CHANGES, _QUICK = "__changes_at__", "__quick__"
CONDITIONS = condition = Registry("condition")
PERSONAL = "[personal]"  # stands in verdicts for the value of a personal field


@dataclass(frozen=True)
class Context:
    """What a condition may look at."""

    booking: Booking
    record: Record | None
    now: datetime  # aware, Asia/Seoul
    stores: Mapping[str, Store]
    fields: Mapping[str, Field]


class Evaluation(NamedTuple):
    """Whether a condition or group holds, and what that rests on: no phone, no name."""

    holds: bool
    observed: Mapping[str, Any] = {}
    holds_since: datetime | None = None  # if it depends on time
    start_bound: bool = False  # it holds because of when the booking starts
    failed: str = ""  # the first condition that said no, as rules word it


def quick(check: Callable[..., Callable[[Context], bool | None]]) -> Callable[[F], F]:
    """Have a condition say yes or no at the cost of a comparison.

    `check` gets the parameters once, and gives what is asked for each booking; None where only the
    condition itself can tell.
    """

    def sign(function: F) -> F:
        setattr(function, _QUICK, check)
        return function

    return sign


def quick_check(
    function: Callable[..., Any], parameters: Mapping[str, Any]
) -> Callable[[Context], bool | None] | None:
    """Give a condition's quick check for these parameters; None when it has none."""
    check = getattr(function, _QUICK, None)
    return None if check is None else check(**parameters)


def changes_at(moments: Callable[..., Iterable[datetime]]) -> Callable[[F], F]:
    """Have a condition say from booking, time and its own parameters when its answer can change.

    At such a moment the new answer holds already. `naverplace explain` tells the next one.
    """

    def sign(function: F) -> F:
        setattr(function, _CHANGES, moments)
        return function

    return sign


def moments_of(
    function: Callable[..., Any], booking: Booking, now: datetime, parameters: Mapping[str, Any]
) -> Iterable[datetime] | None:
    """List when a condition's answer can change; None when it does not say."""
    said = getattr(function, _CHANGES, None)
    return None if said is None else said(booking, now, **parameters)


def days_ahead(booking: Booking, now: datetime) -> Iterable[date]:
    """List the Korean days from now until the day after the booking's, which is when all is over.

    Of a booking that has started: today and tomorrow.
    """
    days = (max(booking.start, now).date() - now.date()).days + 2
    return [now.date() + timedelta(days=count) for count in range(days)]


def at_each_day(booking: Booking, now: datetime, *times: time) -> list[datetime]:
    """List these times of each of the days ahead."""
    days = days_ahead(booking, now)
    return [datetime.combine(day, at, tzinfo=now.tzinfo) for day in days for at in times]


@condition
@quick(lambda: lambda ctx: ctx.record is None)
def booking_not_in_db(ctx: Context) -> Evaluation:
    """Hold when table `sms` has no record of the booking: it is new.

    - booking_not_in_db
    """
    return Evaluation(ctx.record is None, {"record": _known(ctx)})


@condition
@quick(lambda: lambda ctx: ctx.record is not None)
def booking_in_db(ctx: Context) -> Evaluation:
    """Hold when table `sms` has a record of the booking.

    - booking_in_db
    """
    return Evaluation(ctx.record is not None, {"record": _known(ctx)})


def _known(ctx: Context) -> str:
    return "none" if ctx.record is None else "exists"


@condition
@changes_at(lambda booking, now: [booking.start])
@quick(lambda: lambda ctx: ctx.booking.start > ctx.now)
def starts_in_future(ctx: Context) -> Evaluation:
    """Hold until the booking starts; not at the start itself.

    - starts_in_future
    """
    return Evaluation(ctx.booking.start > ctx.now, {"start": ctx.booking.start})


def _is_before(hours: float) -> Callable[[Context], bool]:
    ahead = timedelta(hours=hours)
    return lambda ctx: ctx.booking.start - ahead <= ctx.now < ctx.booking.start


@condition
@changes_at(lambda booking, now, *, hours: [booking.start - timedelta(hours=hours), booking.start])
@quick(_is_before)
def time_before_booking(ctx: Context, *, hours: HoursBefore) -> Evaluation:
    """Hold from `hours` before the start, that moment included, until the start, excluded.

    - time_before_booking: 2
    """
    since = ctx.booking.start - timedelta(hours=hours)
    holds = since <= ctx.now < ctx.booking.start
    return Evaluation(holds, {"start": ctx.booking.start}, since, start_bound=True)


@condition
@changes_at(
    lambda booking, now, *, hour: at_each_day(booking, now, time(hour), time((hour + 1) % 24))
)
@quick(lambda hour: lambda ctx: ctx.now.hour == hour)
def current_hour(ctx: Context, *, hour: HourOfDay) -> Evaluation:
    """Hold during this hour of the Korean day: 20 is from 20:00:00 until 20:59:59.

    - current_hour: 20
    """
    since = ctx.now.replace(minute=0, second=0, microsecond=0)
    return Evaluation(ctx.now.hour == hour, {"hour": ctx.now.hour}, since)


@condition
@changes_at(lambda booking, now: at_each_day(booking, now, time()))
def date_is_today(ctx: Context) -> Evaluation:
    """Hold on the Korean day of the booking.

    - date_is_today
    """
    day = ctx.booking.start.date()
    since = datetime.combine(day, time(), tzinfo=ctx.now.tzinfo)
    return Evaluation(day == ctx.now.date(), {"date": day}, since, start_bound=True)


def _days_in_order(_known: ValidationContext, said: Any) -> str:
    if said.start <= said.end:
        return ""
    return _("start {start} is after end {end}").format(start=said.start, end=said.end)


@condition
@cross_validate(_days_in_order)
def date_range(ctx: Context, *, start: Day, end: Day) -> Evaluation:
    """Hold for bookings of these Korean days, both included.

    - date_range: {start: 2025-12-24, end: 2025-12-26}
    """
    day = ctx.booking.start.date()
    return Evaluation(start <= day <= end, {"date": day})


@condition
@quick(lambda status: lambda ctx: ctx.booking.status in status)
def booking_status(ctx: Context, *, status: Statuses) -> Evaluation:
    """Hold for bookings of this status, or one of several.

    RC02 asked for, RC03 confirmed, RC04 cancelled, RC05 no-show, RC06 changed, RC08 completed.

        - booking_status: RC03
        - booking_status: [RC03, RC08]
    """
    return Evaluation(ctx.booking.status.value in status, {"status": ctx.booking.status.value})


@condition
@quick(lambda store: lambda ctx: ctx.booking.store_id in store)
def store_is(ctx: Context, *, store: KnownStoreIds) -> Evaluation:
    """Hold for bookings of this store, or one of several.

    - store_is: 1051707
    - store_is: [1051707, 951291]
    """
    return Evaluation(ctx.booking.store_id in store, {"store": ctx.booking.store_id})


def _lacks(flag: str) -> Callable[[Context], bool | None]:
    def check(ctx: Context) -> bool | None:
        record = ctx.record
        if record is None:
            return True
        return None if flag in record.unreadable else not getattr(record, flag)

    return check


@condition
@quick(_lacks)
def flag_not_set(ctx: Context, *, flag: Flag) -> Evaluation:
    """Hold when the record lacks the flag, has it as False, or does not exist.

    confirm_sms, remind_sms and option_sms say that SENS accepted confirmation, guide and event.

        - flag_not_set: remind_sms
    """
    if ctx.record is not None:
        ctx.record.check_readable(flag)
    value = ctx.record is not None and bool(getattr(ctx.record, flag))
    return Evaluation(not value, {flag: value})


@condition
def message_owed(ctx: Context, *, kind: KnownKind) -> Evaluation:
    """Hold when a message was owed in an earlier run, and nothing of it has reached the provider.

    With booking_not_in_db it keeps a message for new bookings owed after a failed attempt.

        - any: [booking_not_in_db, {message_owed: welcome}]
    """
    message = ctx.record.messages.get(kind) if ctx.record else None
    owed = message is not None and message.may_be_claimed
    return Evaluation(owed, {kind: message.state if message else "never owed"})


@condition
@quick(lambda keywords: lambda ctx: ctx.booking.has_keyword(keywords))
def has_option_keyword(ctx: Context, *, keywords: Words) -> Evaluation:
    """Hold when the name of a chosen option holds one of these words.

    - has_option_keyword: [네이버, 인스타, 원본]
    """
    names = tuple(option.name for option in ctx.booking.options)
    return Evaluation(ctx.booking.has_keyword(keywords), {"options": names})


@condition
def has_multiple_options(ctx: Context, *, keywords: Words, min_count: Count = 2) -> Evaluation:
    """Hold when options with one of these words were chosen at least `min_count` times in all.

    - has_multiple_options: {keywords: 보정, min_count: 2}
    """
    count = sum(
        option.count
        for option in ctx.booking.options
        if any(word in option.name for word in keywords)
    )
    return Evaluation(count >= min_count, {"count": count})


@condition
@cross_validate(one_comparison)
def field(
    ctx: Context,
    *,
    name: FieldName,
    equals: Value | None = None,
    not_equals: Value | None = None,
    at_least: Value | None = None,
    at_most: Value | None = None,
    contains: Text | None = None,
    one_of: Values | None = None,
    if_missing: Switch | None = None,
) -> Evaluation:
    """Compare a field of rules/fields.yaml; `if_missing` answers for bookings that lack it.

    Without `if_missing` a booking that lacks the field is reported as undecided. `contains` looks
    into a text, or into every part of a list.

        - field: {name: total_price, at_least: 50000}
        - field: {name: area_name, contains: 지도, if_missing: false}
        - field: {name: no_show_count, one_of: [1, 2]}
    """
    value = ctx.booking.extra.get(name)
    if value is None:
        if if_missing is None:
            raise CannotDecide(
                _("the booking has no {name!r}: say what holds then with if_missing").format(
                    name=name
                )
            )
        return Evaluation(if_missing, {name: "missing"})
    said = {
        "equals": equals,
        "not_equals": not_equals,
        "at_least": at_least,
        "at_most": at_most,
        "contains": contains,
        "one_of": one_of,
    }
    comparison, other = next((name, other) for name, other in said.items() if other is not None)
    declared = ctx.fields.get(name)
    open_to_see = declared is not None and not declared.personal
    return Evaluation(
        compare_field(value, comparison, other), {name: value if open_to_see else PERSONAL}
    )


@condition
@cross_validate(lambda known, _said: not_declared(known, "language"))
def language(ctx: Context, *, language: Languages) -> Evaluation:
    """Hold when this is the customer's language at Naver, or one of several.

    A booking that tells none is in none of them. rules/fields.yaml must declare `language`.

        - language: en
        - language: [en, ja]
    """
    said = ctx.booking.extra.get("language")
    return Evaluation(said in language, {"language": said or "none"})
