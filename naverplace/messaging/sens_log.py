"""SENS's own log, read for comparison: windows, single requests, and contents where they matter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from naverplace.ledger.entries import LogMessage
from naverplace.messaging.sens import MAX_WINDOW, SensClient
from naverplace.messaging.sens_responses import SensMessage
from naverplace.redaction.quoting import quotable

KEPT = timedelta(days=89)  # SENS lists the last 90 days (outside-services: SENS list)
MOST_QUESTIONS = 500  # about single requests or messages in one reconciliation


def read_log(sens: SensClient, *, start: datetime, end: datetime) -> list[LogMessage]:
    """List the messages of a window, each once, in pieces that SENS takes.

    Raises Transient, Permanent.
    """
    found: list[SensMessage] = []
    while start <= end:
        until = min(start + MAX_WINDOW, end)
        found += sens.find(start=start, end=until)
        start = until + timedelta(seconds=1)  # SENS counts whole seconds, both edges included
    return each_once(as_log_message(message) for message in found)


def read_requests(sens: SensClient, request_ids: Iterable[str]) -> list[LogMessage]:
    """List the messages of single requests; of a flood of them only the first 500 are asked for."""
    wanted = list(dict.fromkeys(request_ids))[:MOST_QUESTIONS]
    return [
        as_log_message(message)
        for request_id in wanted
        for message in sens.find_request(request_id)
        if message.request_id == request_id
    ]


def with_contents(
    sens: SensClient, log: Sequence[LogMessage], wanted: Iterable[LogMessage]
) -> list[LogMessage]:
    """Add the fingerprints of some messages' contents; one question each, so ask for few."""
    marks: dict[str, str] = {}
    for asked in list(wanted)[:MOST_QUESTIONS]:
        message = sens.get(asked.message_id) if asked.message_id else None
        if message is not None:
            marks[asked.message_id] = fingerprint_of(sens, message)
    return [replace(m, fingerprint=marks.get(m.message_id, m.fingerprint)) for m in log]


def fingerprint_of(sens: SensClient, message: SensMessage) -> str:
    """Tell a message of the log apart by its content, as the ledger does."""
    return sens.fingerprint(
        to=message.to, sender=message.sender, subject=message.subject, text=message.content
    )


def each_once(messages: Iterable[LogMessage]) -> list[LogMessage]:
    """Drop what stands on two pages: a message that came meanwhile moves the others on."""
    found: dict[tuple[str, str, str], LogMessage] = {}
    for message in messages:
        unnamed = ("", "") if message.message_id else (message.request_id, message.to)
        found[message.message_id, *unnamed] = message
    return list(found.values())


def as_log_message(message: SensMessage) -> LogMessage:
    """Read a message without its content; SENS's words of its end without numbers."""
    code, words = message.status_code, message.status_name
    bad = words == "fail" or code not in ("", "0")
    good = not bad and (words == "success" or code == "0")
    end = "failed" if bad else "delivered" if good else ""
    return LogMessage(
        request_id=message.request_id,
        message_id=message.message_id,
        at=message.request_time,
        to=message.to,
        sender=message.sender,
        status=message.status,
        end=end if message.status == "COMPLETED" else "",
        result=f"{code[:10]} {quotable(message.status_message)}".strip(),
    )
