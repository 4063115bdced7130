"""Naver Cloud SENS: text messages (L18, L19; outside-services: SENS send, SENS list)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from naverplace.base.clock import SEOUL, Clock
from naverplace.base.errors import (
    BadResponse,
    OutcomeUnknown,
    Permanent,
    ServiceUnavailable,
    TooLate,
)
from naverplace.base.retry import retry
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.messaging.sens_responses import (
    Acceptance,
    accepted,
    advice,
    error_of,
    read_log_entries,
    throttled,
)
from naverplace.messaging.single_send_http import HttpResponse, SingleSendClient
from naverplace.redaction.quoting import safe_quote
from naverplace.settings.schema import SensSettings

MAX_WINDOW = timedelta(days=30)  # of one look-up by request time
PAGE = 100  # the largest page of a look-up
MAX_PAGES = 1000
T = TypeVar("T")
_TIME = "%Y-%m-%d %H:%M:%S"


class SensClient:
    """The client of one SENS service; threads may share it."""

    def __init__(self, settings: SensSettings, clock: Clock) -> None:
        self.settings, self.clock = settings, clock
        self._client = SingleSendClient(
            "SENS", settings.url, settings.connect_timeout, settings.read_timeout
        )
        self._messages = f"{self._client.path}/sms/v2/services/{settings.service_id}/messages"

    def send(
        self,
        *,
        to: str,
        sender: str,
        subject: str,
        text: str,
        message_type: str = "LMS",
        content_type: str = "COMM",
        not_after: datetime | None = None,
    ) -> Acceptance:
        """Send one message; tried again only after answers that prove that nothing was accepted.

        Raises Refused, Throttled, ServiceUnavailable, TooLate (nothing accepted), or
        OutcomeUnknown. No attempt is signed at or after `not_after`, and SENS refuses what was
        signed five minutes ago (outside-services: SENS signature), so even a process that was
        frozen in between sends nothing later.
        """
        payload = {"type": message_type, "contentType": content_type, "from": sender}
        if subject and message_type != "SMS":
            payload["subject"] = subject
        body = json.dumps({**payload, "content": text, "messages": [{"to": to}]}).encode()

        def once() -> Acceptance:
            answer = self._ask("POST", self._messages, body, not_after=not_after)
            return accepted(answer, private=(to, sender, subject, text))

        return self._retry(once, not_after)

    def fingerprint(self, *, to: str, sender: str, subject: str, text: str) -> str:
        """Tell messages apart without holding them; keyed, for a door code has few digits.

        Blanks and line ends count as one blank, lest SENS's log writes them in another way.
        """
        key = self.settings.secret_key.get_secret_value().encode()
        numbers = [re.sub(r"\D", "", number) for number in (to, sender)]
        words = [" ".join(part.split()) for part in (subject, text)]
        message = json.dumps(["naverplace content", *numbers, *words]).encode()
        return hmac.new(key, message, hashlib.sha256).hexdigest()[:32]

    def fingerprint_of(self, message: SmsLogEntry) -> str:
        """Give a message of SENS's log the fingerprint that it had when it was sent."""
        return self.fingerprint(
            to=message.to, sender=message.sender, subject=message.subject, text=message.content
        )

    def find(self, *, start: datetime, end: datetime, to: str | None = None) -> list[SmsLogEntry]:
        """List the messages requested from `start` to `end`, both included, cut to the second.

        The window is at most 30 days, in the last 90; raises ValueError, Transient, Permanent.
        """
        if not timedelta() <= end - start <= MAX_WINDOW:
            raise ValueError("SENS lists windows of 0 to 30 days")
        query = {
            "requestStartTime": start.astimezone(SEOUL).strftime(_TIME),
            "requestEndTime": end.astimezone(SEOUL).strftime(_TIME),
        }
        return self._list(query | ({"to": to} if to else {}))

    def find_request(self, request_id: str) -> list[SmsLogEntry]:
        """List the messages of one request; raises Transient, Permanent."""
        return self._list({"requestId": request_id})

    def get(self, message_id: str) -> SmsLogEntry | None:
        """Look one message up, with its delivery; None when SENS knows none."""
        answer = self._question(f"{self._messages}/{quote(message_id, safe='')}", missing=True)
        found = read_log_entries(answer) if answer is not None else []
        return found[0] if found else None

    def check(self) -> None:
        """Prove keys, signature, clock and service by a small look-up; sends nothing."""
        now = self.clock.now()
        query = {
            "requestStartTime": (now - timedelta(minutes=1)).strftime(_TIME),
            "requestEndTime": now.strftime(_TIME),
            "pageSize": "1",
        }
        read_log_entries(
            self._question(f"{self._messages}?{urlencode(query, quote_via=quote)}") or {}
        )

    def _list(self, query: Mapping[str, str]) -> list[SmsLogEntry]:
        found: list[SmsLogEntry] = []
        page = {**query, "pageSize": str(PAGE)}
        seen: set[str] = set()
        while True:
            read = self._question(f"{self._messages}?{urlencode(page, quote_via=quote)}") or {}
            found += read_log_entries(read)
            token = str(read.get("nextToken") or "")
            if not token:
                return found
            if token in seen or len(seen) >= MAX_PAGES:
                raise BadResponse("SENS: the pages of a look-up do not come to an end")
            seen.add(token)
            page["nextToken"] = token

    def _question(self, target: str, *, missing: bool = False) -> dict[str, Any] | None:
        """Ask, and ask again while SENS is busy or away; None for 404 when it may be `missing`."""

        def once() -> dict[str, Any] | None:
            try:
                answer = self._ask("GET", target)
            except OutcomeUnknown as error:  # a question changes nothing
                raise ServiceUnavailable(str(error)) from error
            if answer.status == 200:
                return answer.json()
            if answer.status == 404 and missing:
                return None
            if answer.status == 429:
                raise throttled(answer)
            if answer.status >= 500:
                raise ServiceUnavailable(f"SENS: answered {answer.status} to a look-up")
            code, words = error_of(answer)
            raise Permanent(
                f"SENS: refused a look-up with {answer.status} (code {code}): {safe_quote(words)}; "
                f"{advice(answer.status)}"
            )

        return self._retry(once, None)

    def _retry(self, once: Callable[[], T], not_after: datetime | None) -> T:
        def in_time(seconds: float) -> bool:
            return not_after is None or self.clock.now() + timedelta(seconds=seconds) < not_after

        return retry(
            once,
            attempts=self.settings.attempts,
            wait=self.settings.retry_wait,
            in_time=in_time,
        )

    def _ask(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        *,
        not_after: datetime | None = None,
    ) -> HttpResponse:
        """Send one request, signed anew at each attempt (outside-services: SENS signature)."""
        now = self.clock.now()
        if not_after is not None and now >= not_after:
            raise TooLate("SENS: too late to send it now; nothing was sent")
        timestamp = str(int(now.timestamp() * 1000))
        access_key = self.settings.access_key.get_secret_value()
        secret_key = self.settings.secret_key.get_secret_value()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "x-ncp-apigw-timestamp": timestamp,
            "x-ncp-iam-access-key": access_key,
            "x-ncp-apigw-signature-v2": signature(
                method, target, timestamp=timestamp, access_key=access_key, secret_key=secret_key
            ),
        }
        return self._client.send(method, target, headers=headers, body=body)


def signature(method: str, target: str, *, timestamp: str, access_key: str, secret_key: str) -> str:
    """Sign the path with its query, not the body (L19; outside-services: SENS signature)."""
    message = f"{method} {target}\n{timestamp}\n{access_key}"
    digest = hmac.new(secret_key.encode(), message.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
