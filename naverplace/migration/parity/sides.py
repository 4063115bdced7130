"""What each system made of the same inputs, in the form that is compared; pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from naverplace.base.clock import SEOUL
from naverplace.domain.effects import CreateRecord, MoveRecord, RecordKey, SendSms, SetFlag
from naverplace.domain.effects import MarkExpired as Expired
from naverplace.domain.message_kinds import FLAGS, KIND_OF_FLAG
from naverplace.domain.results import Decisions
from naverplace.migration.parity.booking_view import starts_of
from naverplace.migration.parity.values import Message, OwnerLine, SystemOutput
from naverplace.pipeline.capture.inputs import DecisionKey, Inputs, due_of

FIELDS = (*FLAGS, "booking_time")
_AFTER_PUT = ("confirmation", "guide")
_WORDS = {"예약확정": "confirmation", "안내": "guide", "옵션": "event"}  # L11-L13


# What a run of the modelled legacy comes to: an `Outcome` of legacy/journal.py, which the library
# does not import.
LegacyOutcome = Any


def output_of_legacy(
    outcome: LegacyOutcome, inputs: Inputs, *, seconds: float | None = None
) -> SystemOutput:
    """Put the legacy's run in the form that is compared; a message follows its write (L14)."""
    starts, sends = starts_of(inputs), dict[DecisionKey, tuple[Message, ...]]()
    moments: dict[str, tuple[datetime, ...]] = {}
    for place, (asked, naive) in enumerate(outcome.reads, start=1):
        name = asked[0] if asked and place < len(outcome.reads) else ""
        moments[name] = (*moments.get(name, ()), naive.replace(tzinfo=SEOUL))
    written: dict[RecordKey, Mapping[str, Any]] = {}
    waiting: list[str] = []
    for step in outcome.steps:
        if step.what in ("put", "flag"):
            waiting = list(_AFTER_PUT) if step.what == "put" else [KIND_OF_FLAG[step.value]]
            key = RecordKey(*step.key)
            written[key] = outcome.items[key]
        elif step.what == "message":
            number = step.key[0]
            kind = waiting.pop(0)
            due = due_of(kind, starts.get(number, inputs.now), inputs.now)
            decision = DecisionKey(number, kind, due)
            sends[decision] = (*sends.get(decision, ()), _plain(step.value))
    return SystemOutput(
        name="legacy",
        sends=sends,
        flags={key: _own_part(item) for key, item in written.items()},
        told=tuple(filter(None, map(_told, outcome.lines))),
        owner_texts=sum(step.what == "telegram" for step in outcome.steps),
        errors=tuple(f"{number} {error}" for number, error in outcome.swallowed),
        died=outcome.died.cause if outcome.died and not (written or sends) else "",
        moments=moments,
        seconds=seconds,
    )


def output_of_new(
    decisions: Decisions,
    inputs: Inputs,
    *,
    owner_texts: int | None = None,
    collects: bool = False,
    seconds: float | None = None,
) -> SystemOutput:
    """Put what is decided here in the same form, as if SENS took every message."""
    starts, sends = starts_of(inputs), dict[DecisionKey, tuple[Message, ...]]()
    written: dict[RecordKey, dict[str, Any]] = {}
    for effect in decisions.effects:
        if isinstance(effect, SendSms):
            number = effect.key.booking_num
            due = due_of(effect.kind, starts.get(number, inputs.now), inputs.now)
            decision = DecisionKey(number, effect.kind, due)
            message = Message(
                *(effect.to, effect.sender, effect.subject, effect.text),
                *(effect.message_type, effect.content_type),
            )
            sends[decision] = (*sends.get(decision, ()), message)
        if isinstance(effect, CreateRecord | SendSms | MoveRecord | SetFlag | Expired):
            old = written.get(effect.key) or inputs.items.get(effect.key)
            written[effect.key] = _after(effect, dict(old or getattr(effect, "item", {})))
    changed = {
        key: _own_part(item)
        for key, item in written.items()
        if key not in inputs.items or _own_part(item) != _own_part(inputs.items[key])
    }
    return SystemOutput(
        name="new",
        sends=sends,
        flags=changed,
        owner_texts=owner_texts,
        collects=collects,
        errors=tuple(f"{e.booking_num}: {e.message}" for e in decisions.errors),
        seconds=seconds,
    )


def _after(
    effect: CreateRecord | SendSms | MoveRecord | SetFlag | Expired, item: dict[str, Any]
) -> dict[str, Any]:
    if isinstance(effect, SendSms) and effect.flag:
        item[effect.flag] = True
    elif isinstance(effect, SetFlag):
        item[effect.flag] = effect.value
    elif isinstance(effect, MoveRecord) and not effect.waits:
        item |= effect.sets
        for name in effect.removes:
            item.pop(name, None)
    return item


def _own_part(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: item.get(name) for name in FIELDS}


def _plain(message: Any) -> Message:
    digits = "".join(sign for sign in message.to if sign in "0123456789")
    return Message(
        *(digits, message.sender, message.subject, message.text or ""),
        *(message.type, message.content_type),
    )


def _told(line: str) -> OwnerLine | None:
    phone, _, words = line.partition(" ")
    kind = next((kind for word, kind in _WORDS.items() if words.startswith(word)), None)
    return OwnerLine(phone, kind, words.endswith("완료")) if kind else None


def without_stores(side: SystemOutput, stores: Collection[str]) -> SystemOutput:
    """Leave out what a side did for some stores."""
    return replace(
        side,
        sends={key: sent for key, sent in side.sends.items() if key.store_id not in stores},
        flags={key: item for key, item in side.flags.items() if key.store_id not in stores},
    )


def count_self_differences(first: SystemOutput, second: SystemOutput) -> int:
    """Count what the same system made otherwise of the same inputs: 0, or no comparison counts."""
    keys = first.sends.keys() | second.sends.keys()
    items = first.flags.keys() | second.flags.keys()
    differ = sum(first.sends.get(key) != second.sends.get(key) for key in keys)
    differ += sum(first.flags.get(key) != second.flags.get(key) for key in items)
    said, again = (
        (side.told, side.owner_texts, side.errors, side.died) for side in (first, second)
    )
    return differ + (said != again)
