"""SENS's own log, read for comparison: windows, single requests, and contents where they matter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from naverplace.domain.sms_log import SmsLogEntry
from naverplace.messaging.sens import MAX_WINDOW, SensClient

KEPT = timedelta(days=89)  # SENS lists the last 90 days (outside-services: SENS list)
MOST_QUESTIONS = 500  # about single requests or messages in one reconciliation


def read_log(sens: SensClient, *, start: datetime, end: datetime) -> list[SmsLogEntry]:
    """List the messages of a window, each once, in pieces that SENS takes.

    Raises Transient, Permanent.
    """
    found: list[SmsLogEntry] = []
    while start <= end:
        until = min(start + MAX_WINDOW, end)
        found += sens.find(start=start, end=until)
        start = until + timedelta(seconds=1)  # SENS counts whole seconds, both edges included
    return each_once(found)


def read_requests(sens: SensClient, request_ids: Iterable[str]) -> list[SmsLogEntry]:
    """List the messages of single requests; of a flood of them only the first 500 are asked for."""
    wanted = list(dict.fromkeys(request_ids))[:MOST_QUESTIONS]
    return [
        message
        for request_id in wanted
        for message in sens.find_request(request_id)
        if message.request_id == request_id
    ]


def with_contents(
    sens: SensClient, log: Sequence[SmsLogEntry], wanted: Iterable[SmsLogEntry]
) -> list[SmsLogEntry]:
    """Add the fingerprints of some messages' contents; one question each, so ask for few."""
    marks: dict[str, str] = {}
    for asked in list(wanted)[:MOST_QUESTIONS]:
        message = sens.get(asked.message_id) if asked.message_id else None
        if message is not None:
            marks[asked.message_id] = sens.fingerprint_of(message)
    return [replace(m, fingerprint=marks.get(m.message_id, m.fingerprint)) for m in log]


def each_once(messages: Iterable[SmsLogEntry]) -> list[SmsLogEntry]:
    """Drop what stands on two pages: a message that came meanwhile moves the others on."""
    found: dict[tuple[str, str, str], SmsLogEntry] = {}
    for message in messages:
        unnamed = ("", "") if message.message_id else (message.request_id, message.to)
        found[message.message_id, *unnamed] = message
    return list(found.values())
