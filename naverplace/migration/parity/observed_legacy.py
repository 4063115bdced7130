"""What the legacy really did: read from the table's changes and from SENS's log; pure.

A message is matched by its number and its text, not by its place in the log. What matches no
booking was sent by somebody else with the same account, and is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from naverplace.domain.effects import RecordKey
from naverplace.domain.message_kinds import FLAG_OF, KINDS
from naverplace.migration.legacy_rows import fatal_reason
from naverplace.migration.parity.booking_view import BookingView, booking_views, national
from naverplace.migration.parity.differences import without_lacking
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
    before: Inputs, after: Inputs, log: Iterable[LoggedMessage], *, texts: LegacyTexts
) -> Observed:
    """Tell what the legacy did between two readings; `log` are SENS's messages since the first.

    When nothing was done, and a row that ends its run is listed, its run has died (L27). A booking
    with a message was compared with the time since the message before, others at any time (L29).
    """
    flags = {
        key: {name: item.get(name) for name in FIELDS}
        for key, item in after.items.items()
        if (old := before.items.get(key)) is None
        or any(old.get(name) != item.get(name) for name in FIELDS)
    }
    by_phone: dict[str, list[BookingView]] = {}
    for view in booking_views(before).values():
        by_phone.setdefault(_number(view.phone), []).append(view)
    sends: dict[DecisionKey, tuple[Message, ...]] = {}
    foreign, moments, last = 0, dict[str, tuple[datetime, ...]](), before.now
    for seen in sorted(log, key=lambda seen: seen.at or before.now):
        message = seen.message
        candidates = by_phone.get(_number(message.to), [])
        decision = _whose(message, candidates, before, flags=flags, texts=texts, taken=sends)
        if decision is None:
            foreign += 1
        else:
            sends[decision] = (*sends.get(decision, ()), message)
            name = "" if decision.kind == "event" else decision.booking_num
            until = seen.at + timedelta(seconds=1) if seen.at else after.now  # the log has seconds
            moments.setdefault(name, (last, until))
            last = seen.at or last
    fatal = any(map(fatal_reason, (*before.confirmed, *before.completed)))
    side = SystemOutput(
        name="observed",
        sends=sends,
        flags=flags,
        died="L27" if fatal and not sends and not flags else "",
        moments=moments,
        between=(before.now, after.now),
    )
    return Observed(side, foreign)


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
        if _readable(_text_of(texts, kind, view.store_id)) == _readable(message.text)
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


def _text_of(texts: LegacyTexts, kind: str, store_id: str) -> str:
    wanted = texts.of(kind)
    if wanted is None:
        return ""
    return ((wanted.stores or {}).get(store_id) if wanted.text is None else wanted.text) or ""


def _readable(text: str) -> str:
    """Leave of a text what the provider hands on in any case (L18); of signs that EUC-KR lacks it
    may make blanks or question marks."""
    return "".join(without_lacking(text).replace("?", "").split())
