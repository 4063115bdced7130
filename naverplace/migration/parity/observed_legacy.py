"""What the legacy really did: read from the table's changes and from SENS's log; pure.

A message is matched by its number and its text, not by its place in the log. What matches no
booking was sent by somebody else with the same account, and is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from naverplace.domain.effects import RecordKey
from naverplace.domain.message_kinds import FLAG_OF, KINDS
from naverplace.migration.parity.booking_view import BookingView, booking_views, national
from naverplace.migration.parity.legacy_texts import LegacyTexts
from naverplace.migration.parity.sides import FIELDS
from naverplace.migration.parity.values import Message, SystemOutput
from naverplace.pipeline.capture.inputs import DecisionKey, Inputs


@dataclass(frozen=True)
class LoggedMessage:
    """One message of SENS's log."""

    at: datetime | None
    message: Message


@dataclass(frozen=True)
class Observed:
    """The legacy's run as it was seen from outside."""

    side: SystemOutput
    foreign: int  # messages of the account that are of no booking

    @property
    def began(self) -> bool:
        """Tell whether anything was seen of a run."""
        return bool(self.side.sends or self.side.flags)


def observe(
    before: Inputs,
    after: Mapping[RecordKey, Mapping[str, Any]],
    log: Iterable[LoggedMessage],
    *,
    texts: LegacyTexts,
) -> Observed:
    """Tell what the legacy did between a reading and now.

    `after` are the items as they stand now, `log` SENS's messages since the reading.
    """
    flags = {
        key: {name: item.get(name) for name in FIELDS}
        for key, item in after.items()
        if (old := before.items.get(key)) is None
        or any(old.get(name) != item.get(name) for name in FIELDS)
    }
    by_phone: dict[str, list[BookingView]] = {}
    for view in booking_views(before).values():
        by_phone.setdefault(_number(view.phone), []).append(view)
    sends: dict[DecisionKey, tuple[Message, ...]] = {}
    foreign = 0
    for seen in log:
        message = seen.message
        candidates = by_phone.get(_number(message.to), [])
        decision = _whose(message, candidates, before, flags=flags, texts=texts, taken=sends)
        if decision is None:
            foreign += 1
        else:
            sends[decision] = (*sends.get(decision, ()), message)
    return Observed(SystemOutput(name="observed", sends=sends, flags=flags), foreign)


def ran_at(log: Iterable[LoggedMessage], otherwise: datetime) -> datetime:
    """Tell when the legacy decided: when its first message came, else the moment that is given."""
    return min((seen.at for seen in log if seen.at), default=otherwise)


def _number(phone: str) -> str:
    """Write any number alike, also one that only the legacy sends to."""
    return national(phone) or "".join(sign for sign in phone if sign.isdigit())


def _whose(
    message: Message,
    candidates: Sequence[BookingView],
    before: Inputs,
    *,
    flags: Mapping[RecordKey, Mapping[str, Any]],
    texts: LegacyTexts,
    taken: Mapping[DecisionKey, object],
) -> DecisionKey | None:
    """Find the booking and kind: by the text, then by the flag that flipped, each once."""
    fits = [
        (view, kind)
        for view in candidates
        for kind in KINDS
        if _text_of(texts, kind, view.store_id) == message.text.strip()
    ]
    for flipped in (True, False):
        for view, kind in fits:
            key = view.key(kind)
            if key not in taken and flipped == _flipped(flags, before, view.number, kind):
                return key
    if fits:  # sent twice: it is the same message once more
        view, kind = fits[0]
        return view.key(kind)
    return None


def _flipped(
    flags: Mapping[RecordKey, Mapping[str, Any]], before: Inputs, number: str, kind: str
) -> bool:
    name = FLAG_OF[kind]
    return any(
        item.get(name) is True and (before.items.get(key) or {}).get(name) is not True
        for key, item in flags.items()
        if key.booking_num == number
    )


def _text_of(texts: LegacyTexts, kind: str, store_id: str) -> str | None:
    wanted = texts.of(kind)
    if wanted is None:
        return None
    text = (wanted.stores or {}).get(store_id) if wanted.text is None else wanted.text
    return text.strip() if text else None
