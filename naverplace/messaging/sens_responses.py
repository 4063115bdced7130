"""What SENS answers, in all known forms (outside-services: SENS errors, SENS result)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from naverplace.base.clock import SEOUL
from naverplace.base.errors import BadResponse, OutcomeUnknown, Refused, Throttled
from naverplace.base.retry import retry_after
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.messaging.single_send_http import HttpResponse
from naverplace.redaction.quoting import safe_quote

REFUSALS = (400, 401, 403, 404, 413)  # documented, and decided before a message is accepted


@dataclass(frozen=True)
class Acceptance:
    """SENS has taken a message; that is not yet its delivery."""

    request_id: str
    request_time: str  # as SENS writes it
    seconds: float


def accepted(answer: HttpResponse, *, private: Sequence[str]) -> Acceptance:
    """Read the answer to a send; only a documented refusal proves that nothing was accepted."""
    read = answer.json()
    request_id = read.get("requestId")
    if answer.status == 202 and isinstance(request_id, str) and request_id:
        return Acceptance(request_id, str(read.get("requestTime", "")), answer.seconds)
    if answer.status == 429:
        raise throttled(answer)
    if answer.status in REFUSALS:
        code, words = error_of(answer)
        raise Refused(
            f"SENS: refused with {answer.status} (code {code}): "
            f"{safe_quote(words, private=private)}; {advice(answer.status)}",
            code=str(answer.status),
        )
    raise OutcomeUnknown(
        f"SENS: answered {answer.status}, which does not say whether it took the message"
    )


def throttled(answer: HttpResponse) -> Throttled:
    """Word a 429, which proves that nothing was accepted."""
    code, _ = error_of(answer)
    return Throttled(
        f"SENS: asks us to wait (429, code {code}); nothing was accepted",
        retry_after=retry_after(answer.headers.get("retry-after")),
    )


def error_of(answer: HttpResponse) -> tuple[str, str]:
    """Read code and words of an error in any of its three forms (outside-services: SENS errors)."""
    read = answer.json()
    error = read.get("error")
    if isinstance(error, dict):
        words = f"{error.get('message', '')} {error.get('details', '')}"
        return str(error.get("errorCode", answer.status)), words
    message = read.get("errorMessage") or read.get("message") or ""
    return str(read.get("status", answer.status)), f"{message} {read.get('errors') or error or ''}"


def advice(status: int) -> str:
    """Tell the person on duty what to look at."""
    return {
        400: "check the sender number, the receiver and the text",
        401: "check the keys NAVERPLACE_SENS__*_KEY and this machine's clock",
        403: "check the rights of the key and the SMS channel of the project",
        404: "check NAVERPLACE_SENS__SERVICE_ID",
        413: "the text is too long",
    }.get(status, "see SENS's documentation")


def read_log_entries(read: Mapping[str, Any]) -> list[SmsLogEntry]:
    """Read a look-up's messages; raises BadResponse when the list is missing."""
    listed = read.get("messages")
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise BadResponse("SENS: a look-up's answer holds no list of messages")
    return [_message(entry, str(read.get("requestId") or "")) for entry in listed]


def _message(entry: Mapping[str, Any], request_id: str) -> SmsLogEntry:
    def text(name: str) -> str:
        return str(entry.get(name) or "")

    code, words = text("statusCode"), text("statusName")
    bad = words == "fail" or code not in ("", "0")
    good = not bad and (words == "success" or code == "0")
    end = "failed" if bad else "delivered" if good else ""
    return SmsLogEntry(
        request_id=text("requestId") or request_id,
        message_id=text("messageId"),
        request_time=_time(text("requestTime")),
        to=text("to"),
        sender=text("from"),
        status=text("status"),
        end=end if text("status") == "COMPLETED" else "",
        result=f"{code[:10]} {safe_quote(text('statusMessage'))}".strip(),
        subject=text("subject"),
        content=text("content"),
    )


def _time(text: str) -> datetime | None:
    """Read a time in either form; without a zone it is Korean (outside-services: SENS errors)."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=SEOUL)
