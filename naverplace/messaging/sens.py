"""Naver Cloud SENS: text messages (L18, L19; outside-services: SENS send, SENS list)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from naverplace.base.clock import SEOUL, Clock, parse_time
from naverplace.base.errors import (
    BadResponse,
    OutcomeUnknown,
    Permanent,
    Refused,
    ServiceUnavailable,
    Throttled,
    TooLate,
)
from naverplace.base.http import retry, retry_after
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.messaging.single_send_http import HttpResponse, SingleSendClient
from naverplace.redaction.redactor import REDACTOR, safe_quote
from naverplace.settings.schema import SensSettings

REFUSALS = (400, 401, 403, 404, 413)  # documented, and decided before a message is accepted


def accepted(answer: HttpResponse, *, private: Sequence[str]) -> str:
    """Read the request id of a send; only a documented refusal proves that nothing was accepted."""
    read = answer.json()
    request_id = read.get("requestId")
    if answer.status == 202 and isinstance(request_id, str) and request_id:
        code, name = str(read.get("statusCode", "202")), str(read.get("statusName", "success"))
        if (code, name.lower()) == ("202", "success"):
            return request_id
        words = safe_quote(f"{code} {name}", private=private)
        raise OutcomeUnknown(f"SENS: answered 202, but calls it {words}: it may have taken it")
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
        request_time=parse_time(text("requestTime"), SEOUL),  # it may come without a zone
        to=text("to"),
        sender=text("from"),
        status=text("status"),
        end=end if text("status") == "COMPLETED" else "",
        end_time=parse_time(text("completeTime"), SEOUL),
        result=f"{REDACTOR.scrub(code)[:10]} {safe_quote(text('statusMessage'))}".strip(),
        subject=text("subject"),
        content=text("content"),
        message_type=text("type").upper(),
    )


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
        self._known = False  # SENS has answered for this service, so its id is right
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
        counting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> str:
        """Send one message, and return its request id.

        Tried again only after answers that prove that nothing was accepted. Raises Refused,
        Throttled, ServiceUnavailable, TooLate (nothing accepted), or OutcomeUnknown. No attempt is
        signed at or after `not_after`, and SENS refuses what was signed five minutes ago
        (outside-services: SENS signature), so even a process that was frozen in between sends
        nothing later. Every attempt is made within `counting`, which may raise to prevent it.
        """
        payload = {"type": message_type, "contentType": content_type, "from": sender}
        if subject and message_type != "SMS":
            payload["subject"] = subject
        body = json.dumps({**payload, "content": text, "messages": [{"to": to}]}).encode()

        def once() -> str:
            with counting():
                answer = self._ask("POST", self._messages, body, not_after=not_after)
                request_id = accepted(answer, private=(to, sender, subject, text))
                self._known = True
                return request_id

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

    def find(self, *, start: datetime, end: datetime, to: str | None = None) -> list[SmsLogEntry]:
        """List the messages requested from `start` to `end`, both included, each once.

        SENS lists the last 90 days, and is asked in pieces of 30. Raises Transient, Permanent.
        """
        found: list[SmsLogEntry] = []
        while start <= end:
            until = min(start + MAX_WINDOW, end)
            query = {
                "requestStartTime": start.astimezone(SEOUL).strftime(_TIME),
                "requestEndTime": until.astimezone(SEOUL).strftime(_TIME),
            }
            found += self._list(query | ({"to": to} if to else {}))
            start = until + timedelta(seconds=1)  # SENS counts whole seconds, both edges included
        return each_once(found)

    def find_request(self, request_id: str) -> list[SmsLogEntry]:
        """List the messages of one request; raises Transient, Permanent."""
        return self._list({"requestId": request_id})

    def ask(self, path: str, read: Callable[[HttpResponse], T]) -> T:
        """Ask for what lies beside the messages, again while SENS is busy or away."""

        def once() -> T:
            try:
                return read(self._ask("GET", f"{self._messages.removesuffix('/messages')}/{path}"))
            except OutcomeUnknown as error:  # a question changes nothing
                raise ServiceUnavailable(str(error)) from error

        return self._retry(once, None)

    def get(self, message_id: str) -> SmsLogEntry | None:
        """Look one message up, with its delivery and fingerprint; None when SENS knows none."""
        answer = self._question(f"{self._messages}/{quote(message_id, safe='')}", missing=True)
        for m in read_log_entries(answer) if answer is not None else []:
            mark = self.fingerprint(to=m.to, sender=m.sender, subject=m.subject, text=m.content)
            return replace(m, fingerprint=mark)
        return None

    def check(self) -> None:
        """Prove keys, signature, clock and service by a small look-up; sends nothing.

        Raises Permanent as well where SENS cannot tell an empty list from a wrong service.
        """
        now = self.clock.now()
        self.find(start=now - timedelta(minutes=1), end=now)

    def _list(self, query: Mapping[str, str]) -> list[SmsLogEntry]:
        found: list[SmsLogEntry] = []
        page = {**query, "pageSize": str(PAGE)}
        seen: set[str] = set()
        while True:
            read = self._question(
                f"{self._messages}?{urlencode(page, quote_via=quote)}", empty=True
            )
            if read is None:
                self._prove_service()
                return found
            found += read_log_entries(read)
            token = str(read.get("nextToken") or "")
            if not token:
                return found
            if token in seen or len(seen) >= MAX_PAGES:
                raise BadResponse("SENS: the pages of a look-up do not come to an end")
            seen.add(token)
            page["nextToken"] = token

    def _prove_service(self) -> None:
        """Make sure that a 404 without a word means an empty list, not a wrong service id.

        One public source has seen the former (outside-services: SENS list). A service of which
        SENS has listed or taken anything is good. Raises Permanent where it is not known to be.
        """
        now, size = self.clock.now(), {"pageSize": "1"}
        for back in range(3):  # of 30 days each: SENS keeps 90
            if self._known:
                return
            end = now - back * MAX_WINDOW
            query = {
                "requestStartTime": (end - MAX_WINDOW).astimezone(SEOUL).strftime(_TIME),
                "requestEndTime": end.astimezone(SEOUL).strftime(_TIME),
            }
            self._question(
                f"{self._messages}?{urlencode(query | size, quote_via=quote)}", empty=True
            )
        if not self._known:
            raise Permanent(
                "SENS: lists nothing of the last 90 days (404 without a word): either this service "
                f"is new, or it is another one; {advice(404)}"
            )

    def _question(
        self, target: str, *, missing: bool = False, empty: bool = False
    ) -> dict[str, Any] | None:
        """Ask, and ask again while SENS is busy or away.

        None for a 404 when the message may be `missing`, or when a list may be `empty` and SENS
        says no word about it.
        """

        def once() -> dict[str, Any] | None:
            try:
                answer = self._ask("GET", target)
            except OutcomeUnknown as error:  # a question changes nothing
                raise ServiceUnavailable(str(error)) from error
            if answer.status == 200:
                self._known = True
                return answer.json()
            if answer.status == 404 and (missing or (empty and not answer.body.strip())):
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
            once, attempts=self.settings.attempts, wait=self.settings.retry_wait, in_time=in_time
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


KEPT = timedelta(days=89)  # SENS lists the last 90 days (outside-services: SENS list)
MOST_QUESTIONS = 500  # about single requests or messages in one reconciliation


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
            marks[asked.message_id] = message.fingerprint
    return [replace(m, fingerprint=marks.get(m.message_id, m.fingerprint)) for m in log]


def each_once(messages: Iterable[SmsLogEntry]) -> list[SmsLogEntry]:
    """Drop what stands on two pages: a message that came meanwhile moves the others on."""
    found: dict[tuple[str, str, str], SmsLogEntry] = {}
    for message in messages:
        unnamed = ("", "") if message.message_id else (message.request_id, message.to)
        found[message.message_id, *unnamed] = message
    return list(found.values())
