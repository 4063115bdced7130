"""Tests of a rule as YAML writes them beside it: what is given, and what is expected."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainValidator, Strict, WithJsonSchema

from naverplace.base.clock import SEOUL, parse_time
from naverplace.base.translation import gettext as _
from naverplace.base.translation import gettext_noop as N_
from naverplace.base.yaml_nodes import ErrorList, Node, Position
from naverplace.base.yaml_validation import Matching, YamlModel, validate_node
from naverplace.domain.booking import Booking, BookingStatus, Option
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import LedgerEntry, Record
from naverplace.domain.stores import Store
from naverplace.rules.conditions import Context
from naverplace.rules.parameters import (
    KNOWN,
    FieldName,
    Flag,
    Kind,
    Status,
    Switch,
    ValidationContext,
    Value,
)

_MOMENT = r"(?:\d{4}-\d\d-\d\d )?\d\d:\d\d"
_DAY, _NOON = "2026-01-07", "14:00"  # a Wednesday; when nothing is said
NOT_SENT = "not sent because of"


def _moment(value: Any) -> datetime:
    said = value if isinstance(value, str) and re.fullmatch(_MOMENT, value) else ""
    read = parse_time(said if " " in said else f"{_DAY} {said}", SEOUL) if said else None
    if read is None:
        raise ValueError(_('should be a Korean time like "20:00" or "2025-12-24 15:00"'))
    return read


def _option(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class GivenOption(YamlModel):
    """One option that was chosen."""

    name: str
    count: Annotated[int, Strict(), Field(ge=1)] = 1


Moment = Annotated[
    datetime,
    PlainValidator(_moment),
    WithJsonSchema({"type": "string", "pattern": f"^{_MOMENT}$"}),
]
ChosenOption = Annotated[
    GivenOption,
    BeforeValidator(_option, json_schema_input_type=str | GivenOption),
]
FieldValue = Value | list[Value]
# A store that is gone must not keep a changed rulebook from use: `rules check` warns of it.
AnyStoreId = Annotated[
    str,
    Field(coerce_numbers_to_str=True),
    Matching(r"[0-9]+", N_("a store's id, of digits only")),
    WithJsonSchema(
        {
            "anyOf": [
                {KNOWN: "stores"},
                {"type": "string", "pattern": "^[0-9]+$"},
                {"type": "integer", "minimum": 0},
            ]
        }
    ),
]


class Given(YamlModel):
    """A booking and a moment: what is not said is a confirmed booking that starts tomorrow."""

    now: Moment | None = None
    status: Status = BookingStatus.CONFIRMED.value
    store: AnyStoreId | None = None  # the first one
    start: Moment | None = None
    starts_in_hours: Annotated[float, Strict(), Field(ge=-1000, le=1000)] | None = None
    options: tuple[ChosenOption, ...] = ()
    fields: dict[FieldName, FieldValue] = Field(default_factory=dict)
    in_db: Switch = False  # table `sms` has a record of it
    flags: tuple[Flag, ...] = ()  # that are set in its record
    owed: tuple[Kind, ...] = ()  # kinds of messages that an earlier run owed

    def context(self, stores: Mapping[str, Store], fields: Mapping[str, Any]) -> Context:
        """Make the booking, its record and the moment."""
        ahead = timedelta(days=1)
        if self.starts_in_hours is not None:
            ahead = timedelta(hours=self.starts_in_hours)
        now = self.now or (self.start - ahead if self.start else _moment(_NOON))
        booking = Booking(
            store_id=self.store or next(iter(stores)),
            booking_id=1,
            status=BookingStatus(self.status),
            name="김하나",
            phone="01000000001",
            raw_phone="01000000001",
            start=self.start or now + ahead,
            options=tuple(Option(name=said.name, count=said.count) for said in self.options),
            extra={name: _typed(value, fields[name].type) for name, value in self.fields.items()},
            read_at=now,
        )
        return Context(booking, self._record(booking), now, stores, fields)

    def _record(self, booking: Booking) -> Record | None:
        if not (self.in_db or self.flags or self.owed):
            return None
        owed = LedgerEntry(MessageStatus.OWED, 0, token="decided")  # noqa: S106
        flags: dict[str, Any] = dict.fromkeys(self.flags, True)
        return Record(booking.key, booking.name, messages=dict.fromkeys(self.owed, owed), **flags)


def _typed(value: Any, kind: str) -> Any:
    return parse_time(str(value), SEOUL) if kind == "datetime" else value


@dataclass(frozen=True)
class Expectation:
    """What a rule shall do: send, or not, because of a condition."""

    because: str = ""  # the condition, as rules word it; '': it is sent
    template: str = ""  # what is sent; '': whatever the rule sends

    @property
    def text(self) -> str:
        """Say it as YAML does."""
        if self.because:
            return f"{NOT_SENT}: {self.because}"
        return f"sent: {self.template}" if self.template else "sent"

    def is_met_by(self, cause: str) -> bool:
        """Tell whether this cause, as verdicts word it, is the expected one."""
        said = self.because
        return (
            any(cause == form or cause.startswith(f"{form}(") for form in (said, f"not({said}"))
            or cause == f"not({said})"
        )


def _expectation(value: Any) -> Expectation:
    if value == "sent":
        return Expectation()
    if isinstance(value, dict) and len(value) == 1:
        [(word, said)] = value.items()
        if word == "sent" and isinstance(said, str) and said:
            return Expectation(template=said)
        if word == NOT_SENT and isinstance(said, str) and said:
            return Expectation(because=said)
    raise ValueError(_("should be 'sent', 'sent: TEMPLATE' or 'not sent because of: CONDITION'"))


Expected = Annotated[
    Expectation,
    PlainValidator(_expectation),
    WithJsonSchema(
        {
            "oneOf": [
                {"const": "sent"},
                *(
                    {
                        "type": "object",
                        "properties": {word: {"type": "string", "minLength": 1}},
                        "required": [word],
                        "additionalProperties": False,
                    }
                    for word in ("sent", NOT_SENT)
                ),
            ]
        }
    ),
]


class TestEntry(YamlModel):
    """One test of a rule as YAML describes it."""

    __test__ = False  # pytest would collect it

    name: str = ""
    given: Given = Given()
    expect: Expected


@dataclass(frozen=True)
class RuleTest:
    """One test of a rule, and where it stands."""

    given: Given
    expect: Expectation
    place: Position


def read_tests(
    node: Node, problems: ErrorList, *, known: ValidationContext, causes: Collection[str]
) -> tuple[RuleTest, ...]:
    """Read a rule's tests; `causes`: its conditions and actions as verdicts word them."""
    if not isinstance(node.value, list):
        problems.note(node.place, _("'tests' needs a list, each with 'given' and 'expect'"))
        return ()
    found = []
    for entry in node.value:
        read = validate_node(TestEntry, entry, problems, context=known)
        if read is None:
            continue
        if read.given.start and read.given.now and read.given.starts_in_hours is not None:
            words = _("two of now, start and starts_in_hours say when it is: leave one out")
            problems.note(entry.value["given"].place, words)
        because = read.expect.because
        if because and causes and not any(map(read.expect.is_met_by, causes)):
            words = _("this rule has no condition {word!r}; it has {words}")
            about = {"word": because, "words": ", ".join(sorted(causes))}
            problems.note(entry.value["expect"].place, words.format(**about))
        found.append(RuleTest(read.given, read.expect, entry.place))
    return tuple(found)
