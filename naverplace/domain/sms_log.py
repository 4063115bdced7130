"""One text message as SENS's own log shows it (outside-services: SENS list)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class SmsLogEntry:
    """One message in SENS's log; its content is told only when it is looked up by its own id."""

    request_id: str
    message_id: str
    request_time: datetime | None  # to the second
    to: str = field(repr=False)
    sender: str = ""
    status: str = ""  # READY | PROCESSING | COMPLETED
    end: str = ""  # delivered | failed, of a COMPLETED one
    end_time: datetime | None = None  # to the second
    result: str = ""  # code and words of its end, without numbers
    fingerprint: str = ""  # of its content; empty while it was not looked at
    subject: str = field(default="", repr=False)
    content: str = field(default="", repr=False)
    message_type: str = ""  # SMS | LMS | MMS, which its price depends on
