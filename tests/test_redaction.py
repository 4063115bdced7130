"""Secrets and phones do not get out, in whatever form; all else stays as it is."""

from __future__ import annotations

import base64
import io
import json
import logging
import re
import sys
import threading
import warnings
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from naverplace import redaction
from naverplace.redaction import MARK, REDACTOR, RedactionFilter, Redactor

SECRETS = st.text(st.characters(codec="utf-8"), min_size=6, max_size=40).filter(
    lambda s: len(s.strip()) >= 6 and s not in MARK and not s.isdigit()
)
CANARY = 'ca"na\\ry+/1 ö'


@pytest.fixture(autouse=True)
def known_canary() -> None:
    REDACTOR.learn(CANARY)


@given(SECRETS, st.text(max_size=20), st.text(max_size=20))
def test_a_secret_is_found_in_every_form(secret: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.learn(secret)
    forms = [
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
    ]
    for form in forms:
        assert form not in redactor.scrub(before + form + after)


@given(SECRETS, st.binary(max_size=7), st.binary(max_size=7), st.booleans())
def test_a_secret_inside_a_base64_block_is_found(
    secret: str, before: bytes, after: bytes, urlsafe: bool
) -> None:
    redactor = Redactor()
    redactor.learn(secret)
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    block = encode(before + secret.encode() + after).decode()

    scrubbed = redactor.scrub(block)

    assume(len(secret.encode()) >= 8)
    assert MARK in scrubbed
    decodable = re.sub(r"[^\w+/-]", "", scrubbed.replace(MARK, ""))
    assert secret.encode() not in _decoded(decodable)


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.replace("+", "-").replace("/", "_")[: len(text) // 4 * 4])


@given(SECRETS, st.text())
def test_scrubbing_twice_changes_nothing_more(secret: str, text: str) -> None:
    redactor = Redactor()
    redactor.learn(secret)
    once = redactor.scrub(text + secret)

    assert redactor.scrub(once) == once


@given(st.text(st.characters(exclude_categories=["Nd"], codec="utf-8")))
def test_a_text_without_secret_and_phone_stays_as_it_is(text: str) -> None:
    assume(CANARY not in text)

    assert Redactor().scrub(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("to 01012345678.", "to 010-****-5678."),
        ("문자 010-1234-5678 발송", "문자 010-****-5678 발송"),
        ("전화01012345678로", "전화010-****-5678로"),
        ('{"to":"01012345678"}', '{"to":"010-****-5678"}'),
        ("to=%2B821012345678&x", "to=010-****-5678&x"),
        ("+82 10-1234-5678", "010-****-5678"),
        ("00821012345678", "010-****-5678"),
        ("0502-123-4567", "0502-****-4567"),
        ("011 123 4567", "011-****-4567"),
        ("02-1234-5678", "02-****-5678"),
    ],
)
def test_phones_are_masked_wherever_they_stand(text: str, shown: str) -> None:
    assert REDACTOR.scrub(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "1051707_1000000001",
        "1051707_0101234567",
        "1761109335000",
        "550e8400-e29b-41d4-a716-010123456789",
        "550e8400-e29b-41d4-a716-446655440000",
        "2025-10-22T14:02:15.010123456+09:00",
        "0.01012345678",
        "requestId a01012345678b",
        "₩ 45,000 and 101234567",
        "v1.010.1234",
    ],
)
def test_other_numbers_are_not_taken_for_phones(text: str) -> None:
    assert Redactor().scrub(text) == text


def test_a_short_code_is_hidden_where_it_stands_alone_only() -> None:
    redactor = Redactor()
    redactor.learn("7301")

    assert redactor.scrub("door 7301, booking 1000730100") == f"door {MARK}, booking 1000730100"


def test_secrets_too_short_to_hide_do_not_blot_out_texts() -> None:
    redactor = Redactor()
    redactor.learn("", "a", "12 ")

    assert redactor.scrub("a 12 text") == "a 12 text"


@pytest.fixture
def attached() -> Iterator[None]:
    factory = logging.getLogRecordFactory()
    hooks = sys.excepthook, threading.excepthook, warnings.showwarning
    redaction.attach()
    yield
    logging.setLogRecordFactory(factory)
    sys.excepthook, threading.excepthook, warnings.showwarning = hooks


def a_logger(stream: io.StringIO, *, filtered: bool = False) -> logging.Logger:
    """A logger with a handler that was added after `attach`."""
    logger = logging.Logger("made-later")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s %(where)s", defaults={"where": ""}))
    if filtered:
        handler.addFilter(RedactionFilter())
    logger.addHandler(handler)
    return logger


def test_messages_arguments_and_tracebacks_are_scrubbed_on_every_handler(attached: None) -> None:
    stream = io.StringIO()
    logger = a_logger(stream)

    logger.warning("pw %s to %s", CANARY, "01012345678")
    try:
        raise ValueError(CANARY)
    except ValueError:
        logger.exception("failed")

    assert CANARY not in stream.getvalue()
    assert "12345678" not in stream.getvalue()
    assert "ValueError: [redacted]" in stream.getvalue()


def test_extra_values_are_scrubbed_by_the_filter(attached: None) -> None:
    stream = io.StringIO()

    a_logger(stream, filtered=True).warning("hello", extra={"where": f"at {CANARY}"})

    assert stream.getvalue() == f"hello at {MARK}\n"


def test_wrong_arguments_neither_raise_nor_leak(attached: None) -> None:
    stream = io.StringIO()

    a_logger(stream).warning("only %s", CANARY, "and more")

    assert CANARY not in stream.getvalue()
    assert "only" in stream.getvalue()


def test_uncaught_errors_and_warnings_are_scrubbed(
    attached: None, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise RuntimeError(CANARY)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join(timeout=10)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning(f"about {CANARY}", UserWarning, "file.py", 1)
    sys.excepthook(RuntimeError, RuntimeError(CANARY), None)

    shown = capsys.readouterr().err
    assert CANARY not in shown
    assert shown.count(MARK) == 3


def test_attaching_twice_changes_nothing(attached: None) -> None:
    factory = logging.getLogRecordFactory()

    redaction.attach()

    assert logging.getLogRecordFactory() is factory
