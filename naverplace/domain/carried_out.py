"""What a record holds once a decision has been carried out, and SENS took every message; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from naverplace.domain.effects import CreateRecord, Effect, MarkExpired, SendSms, SetFlag
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import LedgerEntry, Record, read_record


def carried_out(record: Record | None, effects: Iterable[Effect], *, at: datetime) -> Record | None:
    """Give the booking's record after these effects; of a move it is given the moved one."""
    for effect in effects:
        if isinstance(effect, CreateRecord | SendSms | MarkExpired) and record is None:
            record = read_record(effect.item) if effect.item else None
        if record is None:
            continue
        if isinstance(effect, SendSms):
            sent = LedgerEntry(
                MessageStatus.ACCEPTED,
                token="forecast",  # noqa: S106 - names a claim
                claimed_at=at,
                settled_at=at,
                due=effect.due,
                for_start=effect.for_start,
            )
            record = replace(record, messages={**record.messages, effect.kind: sent})
            if effect.flag:
                record = _with_flag(record, effect.flag, True)
        elif isinstance(effect, SetFlag):
            record = _with_flag(record, effect.flag, effect.value)
        elif isinstance(effect, MarkExpired):
            over = LedgerEntry(MessageStatus.EXPIRED, settled_at=at, reason=effect.reason)
            record = replace(record, messages={**record.messages, effect.kind: over})
    return record


def _with_flag(record: Record, flag: str, value: bool) -> Record:
    flags: dict[str, Any] = {flag: value}
    return replace(record, **flags)
