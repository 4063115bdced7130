from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naverplace.naver.session_store import (
    fits,
    has_login,
    merge,
    read_cookies,
    same,
    to_jar,
    write_cookies,
)

PLAIN: dict[str, Any] = {"name": "NID_SES", "value": "v1", "domain": ".naver.com", "path": "/"}


def test_what_we_write_is_what_we_read() -> None:
    cookies = [{**PLAIN, "expiry": 1766000000, "sameSite": "Lax", "httpOnly": True, "new key": [1]}]

    assert read_cookies(write_cookies(cookies), home="x") == cookies


@pytest.mark.parametrize("expiry", [1766000000.75, "1766000000", 1766000000])
def test_an_expiry_becomes_whole(expiry: object) -> None:
    (cookie,) = json.loads(write_cookies([{**PLAIN, "expiry": expiry}]))

    assert cookie["expiry"] == 1766000000


@pytest.mark.parametrize("expiry", [None, "soon", float("inf"), [1]])
def test_an_expiry_that_is_no_time_is_dropped(expiry: object) -> None:
    assert json.loads(write_cookies([{**PLAIN, "expiry": expiry}])) == [PLAIN]


@pytest.mark.parametrize(
    "stored", ["3", '"text"', "[1]", '[{"name": "x"}]', "[", '[{"name": 1, "value": ""}]']
)
def test_another_format_is_an_error(stored: str) -> None:
    with pytest.raises(ValueError, match=r"Selenium|Expecting"):
        read_cookies(stored, home="x")


@pytest.mark.parametrize("stored", [None, "", " ", "[]", "{}", []])
def test_nothing_stored_is_no_cookies(stored: object) -> None:
    assert read_cookies(stored, home="x") is None


def test_the_same_cookies_in_another_order_and_time_are_no_change() -> None:
    other = {**PLAIN, "domain": "www.naver.com"}

    assert same([PLAIN, other], [{**other, "expiry": 5}, {**PLAIN, "secure": True}])
    assert not same([PLAIN], [{**PLAIN, "value": "v2"}])
    assert not same([PLAIN], [{**PLAIN, "domain": "naver.com"}])
    assert not same([PLAIN], [])


def test_an_empty_cookie_proves_no_login() -> None:
    aut = {**PLAIN, "name": "NID_AUT"}

    assert has_login([PLAIN, aut])
    assert not has_login([PLAIN, {**aut, "value": ""}])
    assert not has_login([PLAIN])


@pytest.mark.parametrize(
    ("domain", "fitting"),
    [
        (".naver.com", True),
        ("naver.com", True),
        ("new.smartplace.naver.com", True),
        ("", True),
        ("www.naver.com", False),
        ("aver.com", False),
        ("evil.com", False),
    ],
)
def test_a_browser_holds_cookies_of_its_own_domain(domain: str, fitting: bool) -> None:
    assert fits({**PLAIN, "domain": domain}, "new.smartplace.naver.com") is fitting


def test_one_name_on_two_domains_is_no_conflict() -> None:
    jar = to_jar([PLAIN, {**PLAIN, "domain": "www.naver.com", "value": "v2"}])

    assert {(cookie.domain, cookie.value) for cookie in jar} == {
        (".naver.com", "v1"),
        ("www.naver.com", "v2"),
    }


def test_only_what_an_answer_changed_is_taken_over() -> None:
    jar = to_jar([PLAIN])
    newer = [{**PLAIN, "value": "newer", "mark": 1}]

    assert merge(newer, jar, given=[PLAIN]) == newer

    jar.set("NID_SES", "newest", domain=".naver.com", path="/")
    (merged,) = merge(newer, jar, given=[PLAIN])
    assert (merged["value"], merged["mark"]) == ("newest", 1)


cookie = st.fixed_dictionaries(
    {
        "name": st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1),
        "value": st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1),
        "domain": st.sampled_from([".naver.com", "www.naver.com", "127.0.0.1"]),
        "path": st.sampled_from(["/", "/deep"]),
    },
    optional={"expiry": st.integers(4_000_000_000, 9_000_000_000), "secure": st.booleans()},
)


@given(st.lists(cookie, unique_by=lambda c: (c["name"], c["domain"], c["path"])))
def test_a_jar_that_nobody_changed_changes_nothing(cookies: list[dict[str, Any]]) -> None:
    jar = to_jar(cookies)

    assert len(jar) == len(cookies)
    assert merge(cookies, jar, given=cookies) == cookies
    assert same(read_cookies(write_cookies(cookies), home="x") or [], cookies)
