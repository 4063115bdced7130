"""The conditions that a rule may ask: pure questions about a booking, its record and the moment.

Each answers with what it saw; one that cannot be decided raises. Its docstring shows its YAML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field as Param

from naverplace.booking import Booking, BookingStatus
from naverplace.calls import checked_by, known
from naverplace.comparison import Value, compare, wrong_comparison
from naverplace.errors import CannotDecide
from naverplace.fields import Field
from naverplace.records import Record
from naverplace.registry import Registry
from naverplace.stores import Store

Flag = Literal["confirm_sms", "remind_sms", "option_sms"]  # the legacy's (L11)
Word = Annotated[str, Param(min_length=1)]
Words = Word | Annotated[list[Word], Param(min_length=1)]
Hour = Annotated[int, Param(ge=0, le=23)]
StoreId = Annotated[str, known("store")]
FieldName = Annotated[str, known("field")]

condition = CONDITIONS = Registry("condition")


@dataclass(frozen=True, slots=True)
class Context:
    """What a condition may look at."""

    booking: Booking
    record: Record | None
    now: datetime  # aware, Asia/Seoul
    stores: Mapping[str, Store] = field(default_factory=lambda: MappingProxyType({}))
    fields: Mapping[str, Field] = field(default_factory=lambda: MappingProxyType({}))


class Answer(NamedTuple):
    """Yes or no, and the values that decided; no phone, no name."""

    yes: bool
    seen: Mapping[str, Any]


@condition
def booking_in_db(ctx: Context) -> Answer:
    """Test whether table `sms` has a record of the booking.

    - booking_in_db
    """
    return Answer(ctx.record is not None, {"in_db": ctx.record is not None})


@condition
def booking_not_in_db(ctx: Context) -> Answer:
    """Test whether the booking is new: table `sms` has no record of it.

    - booking_not_in_db
    """
    return Answer(ctx.record is None, {"in_db": ctx.record is not None})


@condition
def starts_in_future(ctx: Context) -> Answer:
    """Test whether the booking has not started yet.

    - starts_in_future
    """
    return Answer(ctx.now < ctx.booking.start, _times(ctx))


@condition
def time_before_booking(ctx: Context, *, hours: Annotated[float, Param(gt=0)]) -> Answer:
    """Test whether the booking starts within so many hours and has not started (L11: both edges).

    - time_before_booking: {hours: 2}
    """
    start = ctx.booking.start
    return Answer(start - timedelta(hours=hours) <= ctx.now < start, _times(ctx))


@condition
def flag_not_set(ctx: Context, *, flag: Flag) -> Answer:
    """Test whether the record's flag is False or missing; a booking without record has none.

    - flag_not_set: remind_sms
    """
    value = ctx.record is not None and bool(getattr(ctx.record, flag))
    return Answer(not value, {flag: value})


@condition
def current_hour(
    ctx: Context, *, hour: Hour | Annotated[list[Hour], Param(min_length=1)]
) -> Answer:
    """Test whether it is this hour in Korea; 20 is 20:00:00 to 20:59:59 (L13).

    - current_hour: 20
    """
    return Answer(ctx.now.hour in _list(hour), {"now": f"{ctx.now:%H:%M:%S}"})


@condition
def booking_status(
    ctx: Context, *, status: BookingStatus | Annotated[list[BookingStatus], Param(min_length=1)]
) -> Answer:
    """Test whether the booking has this status, or one of these (RC03 confirmed, RC08 completed).

    - booking_status: [RC03, RC08]
    """
    has = ctx.booking.status
    return Answer(has == status or (isinstance(status, list) and has in status), {"status": has})


@condition
def has_option_keyword(ctx: Context, *, keywords: Words) -> Answer:
    """Test whether the name of any chosen option holds one of these words (L10).

    - has_option_keyword: [네이버, 인스타, 원본]
    """
    return Answer(ctx.booking.has_keyword(_list(keywords)), _options(ctx))


@condition
def has_multiple_options(
    ctx: Context,
    *,
    min_count: Annotated[int, Param(ge=1)],
    keywords: Words | None = None,
    count: Literal["sum", "any"] = "sum",
) -> Answer:
    """Test whether options whose name holds a word were chosen at least so many times in all.

    Without keywords every option counts; `count: any` wants a single option chosen so often.

    - has_multiple_options: {keywords: [인화], min_count: 2}
    """
    words = _list(keywords) if keywords is not None else [""]
    counts = [o.count for o in ctx.booking.options if any(word in o.name for word in words)]
    total = sum(counts) if count == "sum" else max(counts, default=0)
    return Answer(total >= min_count, {**_options(ctx), "count": total})


def _order_of_dates(values: Mapping[str, Any], _: object) -> str:
    return "end is before start" if values["end"] < values["start"] else ""


@condition
@checked_by(_order_of_dates)
def date_range(ctx: Context, *, start: date, end: date) -> Answer:
    """Test whether the booking starts on one of these days in Korea, both included.

    - date_range: {start: 2025-12-24, end: 2025-12-26}
    """
    day = ctx.booking.start.date()
    return Answer(start <= day <= end, {"date": f"{day}"})


@condition
def date_is_today(ctx: Context) -> Answer:
    """Test whether the booking starts today in Korea.

    - date_is_today
    """
    day, today = ctx.booking.start.date(), ctx.now.date()
    return Answer(day == today, {"date": f"{day}", "today": f"{today}"})


@condition
def store_is(
    ctx: Context, *, stores: StoreId | Annotated[list[StoreId], Param(min_length=1)]
) -> Answer:
    """Test whether the booking is in this store, or in one of these.

    - store_is: ["1051707", "951291"]
    """
    return Answer(ctx.booking.store_id in _list(stores), {"store": ctx.booking.store_id})


@condition  # its parameters are the words of the YAML
@checked_by(wrong_comparison)
def field_(  # replaced by its word below
    ctx: Context,
    *,
    name: FieldName,
    equals: Value | None = None,
    not_equals: Value | None = None,
    at_least: Value | None = None,
    at_most: Value | None = None,
    contains: Word | None = None,
    one_of: Annotated[list[Value], Param(min_length=1)] | None = None,
) -> Answer:
    """Test a field of rules/fields.yaml. Raises CannotDecide when the booking has no value.

    - field: {name: total_price, at_least: 50000}
    """
    declared = ctx.fields[name]
    value = ctx.booking.extra.get(name)
    if value is None:
        raise CannotDecide(f"the booking has no {name} of type {declared.type}")
    told = {
        "equals": equals,
        "not_equals": not_equals,
        "at_least": at_least,
        "at_most": at_most,
        "contains": contains,
        "one_of": one_of,
    }
    yes = all(
        compare(value, how, wanted, kind=declared.type)
        for how, wanted in told.items()
        if wanted is not None
    )
    return Answer(yes, {name: "[personal]" if declared.personal else value})


CONDITIONS["field"] = CONDITIONS.pop("field_")  # `field` itself is dataclasses'


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _times(ctx: Context) -> dict[str, str]:
    return {"start": f"{ctx.booking.start:%Y-%m-%d %H:%M}", "now": f"{ctx.now:%Y-%m-%d %H:%M:%S}"}


def _options(ctx: Context) -> dict[str, Any]:
    return {"options": [option.name for option in ctx.booking.options]}
