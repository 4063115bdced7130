"""What a change of the rules would have changed: captured runs, decided by both; sends nothing.

Each side keeps a ledger of its own. A booking begins with the record that it had when it was first
captured, and goes on with what that side has sent since, as if SENS took every message.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from naverplace.base.clock import SEOUL
from naverplace.base.phone import mask
from naverplace.domain.booking import Booking, BookingStatus
from naverplace.domain.carried_out import carried_out
from naverplace.domain.effects import SendSms
from naverplace.domain.record_matching import MatchedBooking, match_records
from naverplace.domain.records import Record, read_record
from naverplace.pipeline.capture.inputs import Inputs
from naverplace.quality import frames, validation
from naverplace.rules import rescheduling
from naverplace.rules.engine import RuleEngine
from naverplace.rules.impact_limits import ImpactLimits
from naverplace.rules.rulebook import Rulebook
from naverplace.settings.sections import QualitySettings

SAMPLES = 5  # of each class
NIGHT_BEGINS, NIGHT_ENDS = 21, 8
_DAY = timedelta(hours=24)
_LISTED = (BookingStatus.CONFIRMED, BookingStatus.COMPLETED)


class MessageChange(StrEnum):
    """What becomes of one message under the new rules."""

    UNCHANGED = "unchanged"
    MORE = "more"  # only the new rules send it
    FEWER = "fewer"  # only today's rules send it
    EARLIER = "earlier"
    LATER = "later"
    OTHER_TEXT = "other_text"


class Alarm(StrEnum):
    """What nobody wants by accident; of changed messages only."""

    CANCELLED = "cancelled"  # to a booking that is neither confirmed nor completed
    NIGHT = "night"  # from 21:00 to 08:00
    TWICE = "twice"  # the same text to one phone within a day, or one template to a booking again


class MessageId(NamedTuple):
    """A message of a booking: the first of its kind, or, when the booking moved, a later one."""

    booking_num: str
    kind: str
    turn: int


class SentMessage(NamedTuple):
    """When a side sends a message, and what."""

    at: datetime
    effect: SendSms
    status: BookingStatus


@dataclass
class RulesSide:
    """One version of the rules, with all that it would have sent."""

    book: Rulebook
    quality: QualitySettings
    sent: dict[MessageId, SentMessage] = field(default_factory=dict, repr=False)
    _records: dict[str, Record | None] = field(default_factory=dict, repr=False)
    _counts: Counter[tuple[str, str]] = field(default_factory=Counter, repr=False)

    def __post_init__(self) -> None:
        self._engine = RuleEngine(self.book)

    def reads_as(self, other: RulesSide) -> bool:
        """Tell whether both see the same bookings in a captured run, as most changes do."""
        mine, theirs = self.book, other.book
        return (mine.fields, mine.stores.keys()) == (theirs.fields, theirs.stores.keys())

    def play(self, inputs: Inputs, bookings: Sequence[Booking]) -> None:
        """Decide one captured run, of which these bookings were read."""
        captured = {key: read_record(item) for key, item in inputs.items.items()}
        for booking, record in match_records(bookings, captured):
            number = booking.booking_num
            own = self._records.setdefault(number, record)
            match = MatchedBooking(booking, own)
            effects = self._engine.decide([match], now=inputs.now, served={}).effects
            if own and (plan := rescheduling.plan_reschedule(own, booking, now=inputs.now)):
                own = plan.record
            self._records[number] = carried_out(own, effects, at=inputs.now)
            for effect in (e for e in effects if isinstance(e, SendSms)):
                self._counts[number, effect.kind] += 1
                name = MessageId(number, effect.kind, self._counts[number, effect.kind])
                self.sent[name] = SentMessage(inputs.now, effect, booking.status)

    def read(self, inputs: Inputs) -> list[Booking]:
        """Read the raw bookings as a run does: frames, gates, bookings."""
        raws = defaultdict(list)
        for raw in (*inputs.confirmed, *inputs.completed):
            raws[str(raw.get("businessId"))].append(raw)
        fields = tuple(self.book.fields.values())
        framed = {
            store_id: frames.to_frame(
                raws[store_id], store_id=store_id, fields=fields, read_at=inputs.now
            )
            for store_id in inputs.store_ids
            if store_id in self.book.stores
        }
        checked = validation.validate(
            framed, known_stores=set(self.book.stores), now=inputs.now, settings=self.quality
        )
        good = [frames.to_bookings(c.good) for c in checked.stores if not c.stopped]
        return [booking for bookings in good for booking in bookings]


class ChangedMessage(NamedTuple):
    """One message that is not as it was."""

    name: MessageId
    difference: MessageChange
    old: SentMessage | None
    new: SentMessage | None

    @property
    def store_id(self) -> str:
        """Give Naver's id of its store."""
        return self.name.booking_num.partition("_")[0]

    def as_json(self) -> dict[str, Any]:
        """Turn it into plain JSON values: no name, no text, a masked phone."""
        one = self.new or self.old
        assert one is not None  # noqa: S101 - one side has it
        return {
            "booking": self.name.booking_num,
            "kind": self.name.kind,
            "to": mask(one.effect.to),
            "rule": one.effect.rule,
            "today": self.old.at.isoformat(timespec="minutes") if self.old else None,
            "new": self.new.at.isoformat(timespec="minutes") if self.new else None,
        }


@dataclass(frozen=True)
class Impact:
    """The difference between today's rules and the new ones."""

    runs: int
    since: datetime | None
    until: datetime | None
    counts: Mapping[MessageChange, int]
    by_kind: Mapping[tuple[str, str], Counter[MessageChange]]  # by store and kind
    changed: Sequence[ChangedMessage] = field(repr=False)
    alarms: Mapping[Alarm, Sequence[ChangedMessage]] = field(repr=False)
    types: Mapping[str, int]  # so many more, or fewer, of each type of message
    limits: ImpactLimits

    @property
    def exceeded(self) -> list[str]:
        """Name the limits that are exceeded."""
        more, fewer = self.limits.max_more, self.limits.max_fewer
        over = []
        if more is not None and self.counts[MessageChange.MORE] > more:
            over.append("max_more")
        if fewer is not None and self.counts[MessageChange.FEWER] > fewer:
            over.append("max_fewer")
        return over

    def samples(self, difference: MessageChange) -> list[ChangedMessage]:
        """Give the first messages of a class."""
        return [one for one in self.changed if one.difference is difference][:SAMPLES]

    def cost(self, prices: Mapping[str, float]) -> float | None:
        """Tell how much more it costs; None when the prices are not known."""
        if not prices:
            return None
        return sum(count * prices.get(name, 0) for name, count in self.types.items())

    def as_json(self, prices: Mapping[str, float]) -> dict[str, Any]:
        """Turn it into plain JSON values."""
        return {
            "runs": self.runs,
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat() if self.until else None,
            "counts": {one.value: self.counts[one] for one in MessageChange},
            "by_store": [
                {"store": store, "kind": kind, **{d.value: n for d, n in counts.items()}}
                for (store, kind), counts in sorted(self.by_kind.items())
            ],
            "types": dict(self.types),
            "won": self.cost(prices),
            "samples": {
                one.value: [m.as_json() for m in self.samples(one)]
                for one in MessageChange
                if one is not MessageChange.UNCHANGED
            },
            "alarms": {
                alarm.value: {
                    "count": len(found),
                    "samples": [m.as_json() for m in found[:SAMPLES]],
                }
                for alarm, found in self.alarms.items()
            },
            "limits": self.limits.model_dump(exclude_none=True),
            "exceeded": self.exceeded,
        }


def compare_rules(
    runs: Iterable[Inputs], today: RulesSide, new: RulesSide, limits: ImpactLimits
) -> Impact:
    """Play captured runs, the oldest first, with both versions of the rules, and compare."""
    count, since, until = 0, None, None
    for inputs in runs:
        bookings = today.read(inputs)
        today.play(inputs, bookings)
        new.play(inputs, bookings if new.reads_as(today) else new.read(inputs))
        count, since, until = count + 1, since or inputs.now, inputs.now
    every = [_compared(name, today, new) for name in sorted(today.sent.keys() | new.sent.keys())]
    by_kind: dict[tuple[str, str], Counter[MessageChange]] = defaultdict(Counter)
    for one in every:
        by_kind[one.store_id, one.name.kind][one.difference] += 1
    types = Counter(m.effect.message_type for m in new.sent.values())
    types.subtract(m.effect.message_type for m in today.sent.values())
    changed = [one for one in every if one.difference is not MessageChange.UNCHANGED]
    return Impact(
        runs=count,
        since=since,
        until=until,
        counts=Counter(one.difference for one in every),
        by_kind=by_kind,
        changed=changed,
        alarms={alarm: found for alarm, found in _alarms(changed, today, new) if found},
        types={name: n for name, n in types.items() if n},
        limits=limits,
    )


def _compared(name: MessageId, today: RulesSide, new: RulesSide) -> ChangedMessage:
    old, now = today.sent.get(name), new.sent.get(name)
    if old is None or now is None:
        difference = MessageChange.MORE if old is None else MessageChange.FEWER
    elif now.at != old.at:
        difference = MessageChange.EARLIER if now.at < old.at else MessageChange.LATER
    else:
        same = _content(old.effect) == _content(now.effect)
        difference = MessageChange.UNCHANGED if same else MessageChange.OTHER_TEXT
    return ChangedMessage(name, difference, old, now)


def _content(effect: SendSms) -> tuple[str, ...]:
    return effect.subject, effect.text, effect.sender, effect.message_type, effect.content_type


def _alarms(
    changed: Sequence[ChangedMessage], today: RulesSide, new: RulesSide
) -> Iterator[tuple[Alarm, list[ChangedMessage]]]:
    gained = [one for one in changed if one.new]
    yield (
        Alarm.CANCELLED,
        [one for one in gained if one.new and one.new.status not in _LISTED],
    )
    at_night = [one for one in gained if one.new and _is_night(one.new.at)]
    yield Alarm.NIGHT, [one for one in at_night if not (one.old and _is_night(one.old.at))]
    doubled = _doubled(new) - _doubled(today)
    yield Alarm.TWICE, [one for one in gained if one.name in doubled]


def _is_night(at: datetime) -> bool:
    hour = at.astimezone(SEOUL).hour
    return hour >= NIGHT_BEGINS or hour < NIGHT_ENDS


def _doubled(side: RulesSide) -> set[MessageId]:
    """Name messages that a phone has had a day before: the same text, or the booking's template."""
    last: dict[tuple[str, ...], datetime] = {}
    found = set()
    for name, (at, effect, _) in sorted(side.sent.items(), key=lambda sent: sent[1].at):
        for key in (
            (effect.to, effect.subject, effect.text),
            (effect.to, effect.template, name.booking_num, str(effect.for_start)),
        ):
            if key in last and at - last[key] < _DAY:
                found.add(name)
            last[key] = at
    return found
