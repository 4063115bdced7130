"""Thirty canaries in eight forms, quoted by services that fail, through every door to a reader."""

from __future__ import annotations

import base64
import contextlib
import html
import io
import json
import logging
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from naverplace import handler
from naverplace.base.errors import NaverPlaceError
from naverplace.base.phone import mask
from naverplace.cli import console
from naverplace.delivery.outcomes import call_provider, describe_error
from naverplace.jobs.doctor import _carry_out
from naverplace.messaging import sens, slack, telegram
from naverplace.messaging.single_send_http import HttpResponse
from naverplace.redaction import redactor
from naverplace.redaction.redactor import REDACTOR, describe
from tasks.task_decorators import StepFailed, failed

SECRETS = (
    *("owner-canary-name", "Canary/Password+77", "NID_AUT-canary0Aq9", "NID_SES-canary8Zz1"),
    *("sens-Access-canary1", "sens/secret+canary==", "ncp:sms:kr:1:canary", "1000000009:AA-canary"),
    *("T0CANARY/B0CANARY/xCanaryHookX", "canary-of-capture-key", "prefect:canary-login"),
    *("AKIACANARYKEY1", "aws/secret+canary/4444", "aws-session-canary==", "canary wifi key 5"),
    *("7301#", "9040*", "88124", "*5612#", "canary-door-code"),
)
PHONES = tuple(f"010-0000-{number:04}" for number in range(4101, 4111))
CANARIES = (*SECRETS, *PHONES)
FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in an address": lambda text: quote(text, safe=""),
    "in JSON": lambda text: json.dumps("".join(f"\\u{ord(sign):04x}" for sign in text))[1:-1],
    "in HTML": lambda text: "".join(f"&#{ord(sign)};" for sign in text),
    "in full width": lambda text: "".join(
        chr(ord(s) + 0xFEE0) if "!" <= s <= "~" else s for s in text
    ),
    "with unseen signs": "\u200b".join,
    "in bold of a terminal": lambda text: f"\x1b[1m{text}\x1b[0m",
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
}


def shown(canary: str, form: str) -> str | None:
    """Write a canary in a form; None where a few signs in that form may be anything."""
    if form == "in base64" and len(canary) < 8:
        return None
    return FORMS[form](canary)


# -- services that quote what they were sent, and how we read their answers


def _answered(status: int, body: dict[str, Any]) -> HttpResponse:
    return HttpResponse(status, {}, json.dumps(body, ensure_ascii=False).encode())


def _sens(words: str) -> None:
    sens.accepted(_answered(400, {"status": "400", "errorMessage": words}), private=())


def _gateway(words: str) -> None:
    sens.accepted(_answered(403, {"error": {"errorCode": "210", "message": words}}), private=())


def _telegram(words: str) -> None:
    telegram._judge(_answered(400, {"ok": False, "description": words}), private="")


def _slack(words: str) -> None:
    body = f"<html>The requested URL {words} was not found on this server.</html>".encode()
    slack._judge(HttpResponse(404, {}, body), private="")


def _raw(words: str) -> None:
    raise NaverPlaceError(words)  # whose words nobody has looked through: the door must


SERVICES = (_sens, _gateway, _telegram, _slack, _raw)


def refusal(service: Callable[[str], None], words: str) -> NaverPlaceError:
    """Let a service refuse with these words."""
    try:
        service(words)
    except NaverPlaceError as error:
        return error
    raise AssertionError("it refuses everything")


# -- every door through which a text leaves


def _printed(show: Callable[[str], None], words: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        show(words)
    return out.getvalue()


def _logged(write: Callable[[logging.Logger], None]) -> str:
    stream = io.StringIO()
    line = logging.StreamHandler(stream)
    line.setFormatter(logging.Formatter("%(message)s %(more)s", defaults={"more": ""}))
    log = logging.Logger("naverplace.canaries")
    log.addHandler(line)
    write(log)
    return stream.getvalue()


def _traceback(error: Exception) -> str:
    def write(log: logging.Logger) -> None:
        try:
            raise RuntimeError("outer") from error
        except RuntimeError:
            log.exception("failed")

    return _logged(write)


def _uncaught(error: Exception) -> str:
    return _printed(lambda _: sys.excepthook(type(error), error, None), "")


def _warned(error: Exception) -> str:
    told: list[str] = []
    show = redactor._warning(lambda message, *_: told.append(str(message)))
    show(str(error), UserWarning, "x.py", 1)
    return told[0]


def _doctor(error: Exception) -> str:
    def check(_: Any) -> str:
        raise error

    return _carry_out("SENS", check, None).found  # type: ignore[arg-type]


def _reason_in_the_table(error: Exception) -> str:
    def call() -> str:
        raise error

    return call_provider(call).message


Door = Callable[[Exception], str]
DOORS: dict[str, Door] = {
    "a problem of the report": describe,
    "a result": describe_error,
    "the reason in the table": _reason_in_the_table,
    "stdout": lambda error: _printed(console.print_lines, str(error)),
    "stdout in JSON": lambda error: _printed(
        lambda w: console.print_json({"error": w}), str(error)
    ),
    "a table on stdout": lambda e: _printed(lambda w: console.print_table([{"why": w}]), str(e)),
    "stderr": lambda error: _printed(console.print_progress, str(error)),
    "Lambda's answer": lambda error: str(handler._answer(500, {"error": str(error)})),
    "a log line": lambda error: _logged(lambda log: log.error("refused: %s", error)),
    "a log's extra": lambda error: _logged(lambda log: log.error("x", extra={"more": str(error)})),
    "a traceback in a log": _traceback,
    "an uncaught error": _uncaught,
    "a warning": _warned,
    "doctor": _doctor,
    "a task's error": lambda error: str(StepFailed.of(error)),
    "a state of Prefect": lambda error: str(failed(str(error)).message),
}


@pytest.fixture(autouse=True)
def known() -> None:
    redactor.attach()
    REDACTOR.learn(*SECRETS)


def leaks(door: Door, quoted: str, canary: str, *, service: Callable[[str], None]) -> list[str]:
    """List the forms of a canary that a reader behind this door finds."""
    told = door(refusal(service, f"bad request: {quoted}, try again"))
    visible = {canary, canary.replace("-", "")} if canary in PHONES else {canary}
    forms = {form for form in (shown(canary, name) for name in FORMS) if form} | visible
    return [form for form in forms if form in told or form in html.unescape(told)]


def test_there_are_as_many_as_the_story_asks_for() -> None:
    assert len(CANARIES) == len(set(CANARIES)) >= 30
    assert len(DOORS) >= 12
    assert len(FORMS) >= 8


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("form", FORMS)
def test_no_canary_in_any_form_passes_a_door(door: str, form: str) -> None:
    # What the table gets are a service's words as it has quoted them.
    services = SERVICES[:-1] if door == "the reason in the table" else SERVICES
    found = [
        (canary, hit)
        for number, canary in enumerate(CANARIES)
        if (quoted := shown(canary, form))
        for service in {services[number % len(services)], services[-1]}
        for hit in leaks(DOORS[door], quoted, canary, service=service)
    ]

    assert found == []


# -- leaks that are planted: the search must find every one


def _cut_first(words: str) -> str:
    return REDACTOR.scrub(words[:40])  # half of a secret is no secret to the redactor


def _only_spelled_out(words: str) -> str:
    for canary in CANARIES:
        words = words.replace(canary, "[redacted]")
    return words


PLANTED: dict[str, Callable[[str], str]] = {
    "no redaction": str,
    "a masked log beside it": lambda w: f"{REDACTOR.scrub(w)} <- {w}",
    "the head is scrubbed": lambda w: REDACTOR.scrub(w[:10]) + w[10:],
    "the tail is scrubbed": lambda w: w[:-10] + REDACTOR.scrub(w[-10:]),
    "word by word, but not the long ones": lambda w: " ".join(
        x if len(x) > 6 else REDACTOR.scrub(x) for x in w.split(" ")
    ),
    "phones only": lambda w: w if not any(p in w for p in PHONES) else mask(w),
    "only what is spelled out": _only_spelled_out,
    "joined again after it": lambda w: "".join(REDACTOR.scrub(sign) for sign in w),
    "its repr": repr,
    "its JSON": lambda w: json.dumps(w, ensure_ascii=False),
    "in capitals of the first letter": lambda w: w[:1].upper() + w[1:],
    "line by line": lambda w: "\n".join(w.split("\n")),
    "an f-string of the error": lambda w: f"failed: {w}",
    "bytes": lambda w: w.encode().decode("utf-8", "replace"),
    "without blanks at the ends": str.strip,
    "after a scrub of something else": lambda w: REDACTOR.scrub("refused: ") + w,
}


@pytest.mark.parametrize("leak", PLANTED)
def test_every_planted_leak_is_found(leak: str) -> None:
    found = [
        canary
        for canary in SECRETS
        for form in FORMS
        if (quoted := shown(canary, form))
        and leaks(lambda error: PLANTED[leak](str(error)), quoted, canary, service=_raw)
    ]

    assert len(PLANTED) >= 15
    assert len(set(found)) >= len(SECRETS) - 2, leak
