"""What SENS takes and what it refuses at the door (outside-services: SENS send, SENS bytes)."""

from __future__ import annotations

from typing import Any

from flask import Request

from sandbox.credentials import SensAccount
from sandbox.state import Raw

LIMITS = {"SMS": 90, "LMS": 2000, "MMS": 2000}  # bytes of the content
SUBJECT_BYTES = 40
MOST_MESSAGES = 100


class Refusal(Exception):
    """SENS says no; nothing was accepted."""

    def __init__(self, errors: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.errors, self.status = errors, status


def read_send(request: Request, account: SensAccount) -> Raw:
    """Read a send's body with its defaults filled in; raises Refusal."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Refusal("Bad Request", "the body must be a JSON object, sent as application/json")
    for name in ("type", "from", "content", "messages"):
        if not body.get(name):
            raise Refusal("Bad Request", f"{name} must not be empty")
    sent = {
        "type": str(body["type"]).upper(),
        "contentType": str(body.get("contentType") or "COMM").upper(),
        "countryCode": str(body.get("countryCode") or "82"),
        "from": str(body["from"]),
        "subject": str(body.get("subject") or ""),
        "content": body["content"],
        "messages": body["messages"],
    }
    _check_head(sent, account)
    _check_messages(sent, account)
    if body.get("reserveTime"):
        raise Refusal("Not Implemented", "the sandbox keeps no reservations")
    return sent


def _check_head(sent: Raw, account: SensAccount) -> None:
    if sent["type"] not in LIMITS:
        raise Refusal("Bad Request", "type must be SMS, LMS or MMS")
    if sent["contentType"] not in ("COMM", "AD"):
        raise Refusal("Bad Request", "contentType must be COMM or AD")
    if sent["contentType"] == "AD" and not account.opt_out_number:
        raise Refusal("Bad Request", "contentType AD needs a registered 080 number")
    if not _is_number(sent["from"]):
        raise Refusal("Bad Request", "from must be digits only")
    if sent["from"] not in account.senders:
        raise Refusal("Bad Request", "from is not a registered and approved sender number")
    if not isinstance(sent["content"], str):
        raise Refusal("Bad Request", "content must be a text")
    if sent["countryCode"] != "82" and sent["type"] != "SMS":
        raise Refusal("Bad Request", "other countries take SMS only")


def _check_messages(sent: Raw, account: SensAccount) -> None:
    messages: Any = sent["messages"]
    if not isinstance(messages, list) or not all(isinstance(entry, dict) for entry in messages):
        raise Refusal("Bad Request", "messages must be a list of objects")
    if len(messages) > MOST_MESSAGES:
        raise Refusal("Bad Request", f"messages must be {MOST_MESSAGES} at most")
    for message in messages:
        if not _is_number(str(message.get("to") or "")):
            raise Refusal("Bad Request", "messages.to must be digits only")
        subject = str(message.get("subject") or sent["subject"])
        if sent["type"] != "SMS" and len(_bytes(subject)) > SUBJECT_BYTES:
            raise Refusal("Bad Request", f"subject must be {SUBJECT_BYTES} bytes at most")
        signs = unencodable(subject + str(message.get("content") or sent["content"]))
        if signs and account.refuses_unencodable:
            raise Refusal("Bad Request", f"EUC-KR has no place for {signs}")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _bytes(text: str) -> bytes:
    return text.encode("euc_kr", "replace")


def fitted(content: str, kind: str) -> tuple[str, bool]:
    """Cut a content that is too long, as SENS does without a word; tell whether it was cut."""
    whole, limit = _bytes(content), LIMITS[kind]
    if len(whole) <= limit:
        return content, False
    size = 0
    for position, sign in enumerate(content):
        size += len(_bytes(sign))
        if size > limit:
            return content[:position], True
    return content, False


def unencodable(text: str) -> str:
    """Collect the characters that EUC-KR has no place for; each once."""
    found = []
    for sign in dict.fromkeys(text):
        try:
            sign.encode("euc_kr")
        except UnicodeEncodeError:
            found.append(sign)
    return "".join(found)
