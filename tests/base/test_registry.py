"""Words of the rules are the names of functions, and a wrong word gets a hint."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naverplace.base.registry import Registry, suggest_nearest


def test_a_function_signs_in_under_its_own_name() -> None:
    condition = Registry("condition")

    @condition
    def is_open() -> bool:
        return True

    assert condition == {"is_open": is_open}
    assert is_open()


def test_a_word_is_taken_once() -> None:
    condition = Registry("condition")

    def is_open() -> bool:
        return True

    condition(is_open)

    with pytest.raises(ValueError, match="condition 'is_open' is registered twice"):
        condition(is_open)
    assert list(condition) == ["is_open"]


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("time_befor_booking", "did you mean 'time_before_booking'?"),
        ("flag-not-set", "did you mean 'flag_not_set'?"),
        ("zzz", "known: flag_not_set, time_before_booking"),
    ],
)
def test_a_wrong_word_is_answered_with_the_nearest_or_with_all(word: str, hint: str) -> None:
    assert suggest_nearest(word, ["time_before_booking", "flag_not_set"]) == hint


def test_without_any_word_none_is_known() -> None:
    assert suggest_nearest("zzz", []) == "none is known"


@given(st.sampled_from(["booking_in_db", "store_is", "date_range"]), st.integers(0, 20))
def test_one_missing_letter_still_finds_the_word(word: str, place: int) -> None:
    place %= len(word)

    hint = suggest_nearest(
        word[:place] + word[place + 1 :], ["booking_in_db", "store_is", "date_range"]
    )

    assert hint == f"did you mean {word!r}?"
