"""Secrets and phones do not get out, in whatever form; all else stays as it is."""

from __future__ import annotations

import base64
import html
import json
import re
import threading
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from requests.utils import requote_uri

from naverplace.base.errors import NoScreen
from naverplace.redaction.redactor import MARK, REDACTOR, Redactor, describe

SECRETS = st.text(st.characters(codec="utf-8"), min_size=6, max_size=40).filter(
    lambda s: len(s.strip()) >= 6 and s not in MARK and not s.isdigit()
)
CANARY = 'ca"na\\ry+/1 ö'


@pytest.fixture(autouse=True)
def known_canary() -> None:
    REDACTOR.learn(CANARY)


def shown(secret: str) -> list[str]:
    """Write a secret in every way that texts, URLs, JSON and reprs do."""
    return [
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        re.sub("%..", lambda found: found.group().lower(), quote(secret, safe="")),
        requote_uri(quote(secret, safe="!'()*")),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps({"password": secret}))[18:-4],
        repr(secret)[1:-1],
        repr(f"{secret}'\"")[1:].removesuffix("\\'\"'"),
        ascii(secret)[1:-1],
        repr(secret.encode())[2:-1],
        html.escape(secret),
    ]


@given(SECRETS, st.text(max_size=20), st.text(max_size=20))
def test_a_secret_is_found_in_every_form(secret: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.learn(secret)

    for form in shown(secret):
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


def test_a_webhook_is_found_by_its_path_alone() -> None:
    redactor = Redactor()
    redactor.learn("https://hooks.example.com/services/T000/B000/canary+of+a+hook?k=1")

    said = redactor.scrub(
        'port=443 "POST /services/T000/B000/canary+of+a+hook?k=1 HTTP/1.1" 404 '
        "host hooks.example.com, hook canary%2Bof%2Ba%2Bhook"
    )

    assert said == f'port=443 "POST {MARK} HTTP/1.1" 404 host hooks.example.com, hook {MARK}'


def test_a_short_path_of_a_secret_url_does_not_blot_out_texts() -> None:
    redactor = Redactor()
    redactor.learn("https://hooks.example.com/hook")

    assert redactor.scrub("POST /hook") == "POST /hook"


@pytest.mark.parametrize(
    "text",
    [
        '{"ARN": "x", "SecretString": "{\\"naver\\": {\\"password\\": \\"canary\\"}}"}',
        """Response body: b'{"SecretString": "{\\\\"naver\\\\": \\\\"canary\\\\"}"}'""",
        '{"name":"NID_AUT","path":"/","secure":true,"value":"canary/of+a/login=="}',
        '"S": "[{\\"name\\": \\"NID_SES\\", \\"value\\": \\"canary/of+a/login\\"}]"',
        "Cookie: NID_AUT=canary; NID_SES=canary",
    ],
)
def test_what_is_secret_by_its_name_is_hidden_before_anybody_learned_it(text: str) -> None:
    redactor = Redactor()

    scrubbed = redactor.scrub(text)

    assert "canary" not in scrubbed
    assert redactor.scrub(scrubbed) == scrubbed


@pytest.mark.parametrize(
    "text", ["NID_AUT and NID_SES are needed", "SecretString (text) or SecretBinary", "NID_SES="]
)
def test_the_names_of_secrets_are_no_secrets(text: str) -> None:
    assert Redactor().scrub(text) == text


def test_a_short_code_is_hidden_where_it_stands_alone_only() -> None:
    redactor = Redactor()
    redactor.learn("7301")

    assert redactor.scrub("door 7301, booking 1000730100") == f"door {MARK}, booking 1000730100"
    assert redactor.scrub("비밀번호7301입니다 code=x7301") == f"비밀번호{MARK}입니다 code=x{MARK}"


def test_a_short_code_within_a_phone_does_not_uncover_the_rest_of_it() -> None:
    redactor = Redactor()
    redactor.learn("1234", "5678")

    assert redactor.scrub("010-1234-5678") == f"010-****-{MARK}"


def test_secrets_too_short_to_hide_do_not_blot_out_texts() -> None:
    redactor = Redactor()
    redactor.learn("", "a", "12 ")

    assert redactor.scrub("a 12 text") == "a 12 text"


def test_an_error_is_described_with_its_advice_and_without_its_secrets() -> None:
    assert describe(NoScreen(f"at {CANARY}")) == (
        f"NoScreen: at {MARK} -> run it on a machine with a screen: naverplace login --headed"
    )


def test_scrubbing_is_fast_with_many_secrets() -> None:
    redactor = Redactor()
    redactor.learn(
        *(f"secret/number+{n:03}" for n in range(30)), *(f"{n}" for n in range(7300, 7330))
    )
    text = (
        "sent confirmation to 1051707_1000000001, accepted by SENS as RSSA-1549873400000\n" * 1000
    )

    began = time.perf_counter()
    redactor.scrub(text)

    # Generous for a busy machine: one regex of all forms took 30 times as long as this usually is.
    assert time.perf_counter() - began < 1.0


def test_threads_may_learn_while_others_scrub() -> None:
    redactor = Redactor()
    secrets = [f"canary-of-thread-{n:03}" for n in range(200)]
    leaks: list[str] = []

    def work(part: list[str]) -> None:
        for secret in part:
            redactor.learn(secret)
            leaks.extend(s for s in part[: part.index(secret) + 1] if s in redactor.scrub(s))

    threads = [threading.Thread(target=work, args=(secrets[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert leaks == []
