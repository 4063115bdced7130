"""Errors say whether trying again may help, and what a person should do."""

from __future__ import annotations

import inspect
import pickle

import pytest

from naverplace.base import errors
from naverplace.base.errors import (
    LoginFailed,
    NaverPlaceError,
    OutcomeUnknown,
    Permanent,
    Refused,
    RulesError,
    SettingsError,
    Throttled,
    Transient,
)

ALL = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, NaverPlaceError)
]
LOGINS = [kind for kind in ALL if issubclass(kind, LoginFailed)]


@pytest.mark.parametrize("kind", ALL)
def test_every_error_is_of_one_of_three_kinds(kind: type[NaverPlaceError]) -> None:
    kinds = [k for k in (Transient, Permanent, OutcomeUnknown) if issubclass(kind, k)]

    assert len(kinds) == 1 or kind is NaverPlaceError


def test_an_unknown_outcome_is_never_tried_again_as_if_nothing_had_happened() -> None:
    assert not issubclass(OutcomeUnknown, Transient)


@pytest.mark.parametrize("kind", LOGINS)
def test_every_failed_login_says_why_and_what_to_do(kind: type[LoginFailed]) -> None:
    assert kind.reason.isidentifier()
    assert "naverplace login" in kind.advice or "apt-get install" in kind.advice
    assert issubclass(kind, Permanent)


def test_the_reasons_of_failed_logins_tell_them_apart() -> None:
    assert len({kind.reason for kind in LOGINS}) == len(LOGINS)


@pytest.mark.parametrize("kind", [SettingsError, RulesError])
def test_a_list_of_problems_shows_each_on_its_line(kind: type[SettingsError]) -> None:
    error = kind(["one: is missing", "two: is wrong"])

    assert error.problems == ("one: is missing", "two: is wrong")
    assert str(error) == f"{kind.title}:\n  one: is missing\n  two: is wrong"


def test_a_throttled_call_carries_how_long_to_wait() -> None:
    assert Throttled("wait", retry_after=2.5).retry_after == 2.5
    assert Throttled("wait").retry_after is None


def test_a_refusal_carries_the_services_code() -> None:
    assert Refused("no", code="403").code == "403"


@pytest.mark.parametrize("kind", [Transient, Permanent, Refused, Throttled])
def test_errors_survive_the_way_to_another_process(kind: type[NaverPlaceError]) -> None:
    assert str(pickle.loads(pickle.dumps(kind("what happened")))) == "what happened"


def test_a_list_of_problems_survives_the_way_to_another_process() -> None:
    error = SettingsError(["one: is missing"])

    copy = pickle.loads(pickle.dumps(error))

    assert (copy.problems, str(copy)) == (error.problems, str(error))
