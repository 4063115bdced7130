"""Korean dates in words, and the signs that a text message can carry."""

from __future__ import annotations

import locale
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naverplace.base import korean_text
from naverplace.base.korean_text import (
    customer_name,
    is_odd_name,
    moment_words,
    name_signs,
    size,
    to_euc_kr,
    unsendable,
)
from tests.rule_builders import at


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("2025-10-22 15:00", "10월 22일(수) 오후 3:00"),
        ("2025-01-05 00:00", "1월 5일(일) 오전 12:00"),
        ("2025-12-31 12:05", "12월 31일(수) 오후 12:05"),
        ("2024-02-29 11:59", "2월 29일(목) 오전 11:59"),
        ("2025-10-25 23:59", "10월 25일(토) 오후 11:59"),
    ],
)
def test_a_moment_is_told_as_koreans_say_it(moment: str, words: str) -> None:
    assert moment_words(at(moment)) == words


def test_the_machines_language_makes_no_difference() -> None:
    before = locale.setlocale(locale.LC_TIME)
    try:
        locale.setlocale(locale.LC_TIME, "C")
        assert moment_words(at("2025-10-22 15:00")).endswith("(수) 오후 3:00")
    finally:
        locale.setlocale(locale.LC_TIME, before)


@pytest.mark.parametrize(
    ("text", "bytes_"), [("", 0), ("abc 1", 5), ("가나", 4), ("■ 가", 5), ("a\n가", 4)]
)
def test_bytes_are_counted_as_in_euc_kr(text: str, bytes_: int) -> None:
    assert size(text) == bytes_
    assert size(text) == len(text.encode("euc_kr"))


def test_what_euc_kr_cannot_write_in_two_bytes_cannot_be_sent() -> None:
    assert unsendable("가 뷁😀⬇→é") == ["뷁", "😀", "⬇", "é"]
    # Python writes it as eight bytes of loose letters, and CP949 knows it.
    assert len("뷁".encode("euc_kr")) == 8
    assert len("뷁".encode("cp949")) == 2
    assert name_signs("⬇") == "'⬇' (U+2B07)"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("김하나", "김하나"),
        (unicodedata.normalize("NFD", "김하나"), "김하나"),  # as an iPhone may write it
        ("뷁나무", "○나무"),
        ("구름☁️나무", "구름나무"),
        ("👨‍👩‍👧", ""),
        ("Zoë Kim", "Zoe Kim"),
        ("  두   칸\t\n", "두 칸"),
        ("가\x00나", "가나"),
        ("王小明", "王小明"),
        ("ñandú 😀 x", "nandu x"),
        ("{{ booking.name }}", "{{ booking.name }}"),
        ("인원 추가 (1–2인)", "인원 추가 (1-2인)"),
        ("1−2 3—4 5〜6 7∶30", "1-2 3-4 5~6 7:30"),
        ("10:00\u00a0∼\u200711시", "10:00 ∼ 11시"),
        ("1🙂2 1\u200b2 1\u2060가", "1 2 1 2 1가"),
        ("10⁵ 2⅐ ㉑", "10 5 2 1/7 21"),
        ("①② 10² ½컵", "①② 10² ½컵"),
        ("１２３ ٤٥", "１２３ 45"),
        ("₩5,000 • 2명 © 가게", "￦5,000 · 2명 (c) 가게"),
        ("ﬁne №３", "fine №３"),
    ],
)
def test_a_customers_words_are_made_sendable(text: str, written: str) -> None:
    assert to_euc_kr(text) == written


DIGITS = st.text(st.sampled_from("0123456789१٤１²⁵½⅐㉑–🙂\u200b ,가"))


def runs(text: str) -> list[str]:
    """List the numbers of a text, in plain digits."""
    return re.findall(r"[0-9]+", re.sub(r"\d", lambda d: str(unicodedata.decimal(d[0])), text))


@given(DIGITS)
def test_digits_never_join(text: str) -> None:
    alone = {run for sign in text if not sign.isdecimal() for run in runs(to_euc_kr(sign))}

    assert set(runs(to_euc_kr(text))) <= {*runs(text), *alone}


@given(st.text(st.characters(codec="euc_kr", exclude_categories=["Cc"])))
def test_a_line_that_is_sendable_stays_itself(text: str) -> None:
    line = " ".join(text.split())

    assert unsendable(line) or to_euc_kr(line) == line


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("김하나", "김하나"),
        ("Maria Guadalupe Fernandez", "Maria Guadalupe Fern"),
        ("가" * 1500, "가" * 10),
        ("당첨! bit.ly/abc 확인", ""),
        ("https：//evil．example", ""),
        ("evil．example/로그인", ""),
        ("aaaaaaaaaaaaaaaa.community", ""),
        ("국민은행 110 234 567890", ""),
        ("０１０-1234-5678로 전화", ""),
        ("김하나2", "김하나2"),
        ("J. Kim", "J. Kim"),
        ("", ""),
        ("🙂", ""),
    ],
)
def test_a_name_is_at_most_a_name(name: str, written: str) -> None:
    assert customer_name(name) == written
    assert is_odd_name(name) == (bool(to_euc_kr(name)) and (not written or len(name) > 100))
    assert not is_odd_name(written)


@given(st.text())
def test_whatever_a_customer_writes_becomes_one_sendable_line(text: str) -> None:
    written = to_euc_kr(text)

    assert unsendable(written) == []
    assert "\n" not in written
    assert to_euc_kr(written) == written


def test_a_long_text_is_written_and_not_kept() -> None:
    long = "–" * 1000
    kept = korean_text._remembered.cache_info().currsize

    assert to_euc_kr(long) == "-" * 1000
    assert customer_name(long) == "-" * 20
    assert korean_text._remembered.cache_info().currsize == kept
