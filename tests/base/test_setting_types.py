"""Kinds of settings: which URLs, senders and secrets are taken, and in which form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, TypeAdapter, ValidationError
from urllib3.util import parse_url

from naverplace.base.setting_types import LOOPBACK, Digits, Secret, SecretUrl, Url
from tests.settings.setting_values import load, problems_of

URL: TypeAdapter[str] = TypeAdapter(Url)
SECRET_URL: TypeAdapter[SecretStr] = TypeAdapter(SecretUrl)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://api.example.com", "https://api.example.com"),
        ("https://api.example.com/", "https://api.example.com"),
        ("HTTPS://API.example.com/v1/", "https://api.example.com/v1"),
        ("https://api.example.com:8443/Path", "https://api.example.com:8443/Path"),
        ("http://127.0.0.1:8001/", "http://127.0.0.1:8001"),
        ("http://localhost", "http://localhost"),
        ("http://[::1]:8001", "http://[::1]:8001"),
    ],
)
def test_a_url_is_kept_without_its_last_slash(given: str, kept: str) -> None:
    assert URL.validate_python(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "",
        "api.example.com",
        "https://",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "http://api.example.com",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://localhost@evil.example",
        "http://127.0.0.1@evil.example",
        "https://user:word@api.example.com",
        "http://@127.0.0.1",
        "http://evil.example\\@127.0.0.1",
        "http://127.0.0.1\\.evil.example",
        "http://127.0.0.1\n.evil.example",
        "http://127.0.0.1\t.evil.example",
        "http://127.0.0.1 .evil.example",
        "http://127。0。0。1",
        "http://127.0.0.2",
        "http://0.0.0.0",
        "http://0x7f000001",
        "http://2130706433",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:x",
        "http://[::1",
        "http://[::ffff:127.0.0.1]",
        "https://api.example.com?x=",
        "https://api.example.com/#x",
    ],
)
def test_no_trick_passes_another_host_off_as_loopback(given: str) -> None:
    with pytest.raises(ValidationError):
        URL.validate_python(given)


@given(st.text() | st.from_regex(r"https?://[ -~]{1,30}"))
def test_a_url_is_refused_or_taken_and_never_taken_for_loopback_when_it_is_not(text: str) -> None:
    try:
        kept = URL.validate_python(text)
    except ValidationError:
        return

    # What requests and urllib3 would connect to.
    host = (parse_url(kept).host or "").strip("[]")
    assert kept.startswith("https://") or host in LOOPBACK
    assert URL.validate_python(kept) == kept


@pytest.mark.parametrize(
    "given",
    ["hook-canary", "http://hooks.example.com/canary", "https://h:canary", "https://[canary"],
)
def test_a_wrong_secret_url_is_not_quoted(given: str) -> None:
    with pytest.raises(ValidationError) as refused:
        SECRET_URL.validate_python(given)

    words = refused.value.errors(include_input=False, include_context=False)
    assert "canary" not in str(words)


@pytest.mark.parametrize(
    ("given", "kept"), [("031-000-0000", "0310000000"), ("1588 0000", "15880000")]
)
def test_a_sender_is_kept_as_digits(given: str, kept: str) -> None:
    assert TypeAdapter(Digits).validate_python(given) == kept


@pytest.mark.parametrize(
    "given",
    ["", "-", "+82310000000", "031-000", "0310000000000", "０３１０００００００", "03100000²0"],
)
def test_a_sender_is_a_number_of_8_to_12_digits(given: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Digits).validate_python(given)


@pytest.mark.parametrize("given", ["", " ", "word\n", " word", "word\t"])
def test_a_secret_with_blanks_around_it_is_refused(given: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Secret).validate_python(given)


@pytest.mark.parametrize(
    "typed", ['["1051707", "951291"]', "[1051707, 951291]", "1051707, 951291", "1051707 951291"]
)
def test_stores_are_listed_as_json_or_as_people_type_them(typed: str) -> None:
    assert load(NAVERPLACE_BREAKER__RELEASED=typed).breaker.released == ("1051707", "951291")


def test_no_store_is_listed_by_default_or_by_an_empty_list() -> None:
    assert load().breaker.released == load(NAVERPLACE_BREAKER__RELEASED="[]").breaker.released == ()


def test_what_is_no_store_id_is_a_problem_of_that_variable() -> None:
    assert (
        "set NAVERPLACE_BREAKER__RELEASED=" in problems_of(NAVERPLACE_BREAKER__RELEASED="화성점")[0]
    )
