"""The fault campaign in its short form, and the proof that it notices what is wrong."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from tests.nightly import NIGHTLY
from tests.trials.playing import Played, play
from trials.campaign.bugs import BUGS
from trials.campaign.cases import KINDS, Blow, Case
from trials.campaign.child import put_in_place
from trials.campaign.plan import near_sends, pairs, read_case, short, singles
from trials.campaign.shop import AFTERNOON, EVENING, Customer

POINTS = {
    AFTERNOON: ["partner GET", "aws UpdateItem", "sens POST", "aws UpdateItem", "telegram POST"],
    EVENING: ["aws UpdateItem", "sens POST", "aws UpdateItem"],
}


QUICK = ("log is not read", "doubts are forgotten", "expired is not named")


@pytest.fixture(scope="module")
def done() -> Played:
    """Play planted bugs, then the short form: processes that can play are made once."""
    bugs = ("--planted", *(() if NIGHTLY else QUICK))
    return play("trials.campaign", "--short", "--processes", "2", *bugs, timeout=1500)


@pytest.mark.timeout(1600)
def test_no_fault_at_any_point_sends_twice_or_loses_a_message(done: Played) -> None:
    final, told = done.final, done.err
    wrong = [line for line in told.splitlines() if "WRONG" in line or line.startswith(" " * 6)]
    assert (wrong, done.code) == ([], 0)
    assert set(final) == {
        "points",
        "cases",
        "pairs",
        "duplicates",
        "lost",
        "unexplained",
        "foreign",
        "seconds",
    }
    assert final["duplicates"] == final["lost"] == final["unexplained"] == final["foreign"] == 0
    assert isinstance(final["cases"], int)
    assert isinstance(final["points"], int)
    assert final["points"] > 80
    assert final["cases"] > 40
    assert all(f"'{service}'" in told for service in ("aws", "partner", "sens", "telegram"))


@pytest.mark.timeout(1600)
def test_planted_bugs_are_noticed(done: Played) -> None:
    caught = json.loads(done.out.splitlines()[0])

    assert set(caught) == set(BUGS if NIGHTLY else QUICK)
    assert (done.code, "NOT NOTICED" in done.err) == (0, False)
    found: Counter[str] = Counter()
    for counts in caught.values():
        assert isinstance(counts, dict)
        found.update(kind for kind, count in counts.items() if count)
    if NIGHTLY:
        assert found["duplicates"] >= 3  # which of both it is may depend on who was first
        assert found["lost"] >= 1


@pytest.fixture(scope="module")
def lingering() -> dict[str, Any]:
    return play("tests.trials.lingering_run", timeout=240).final


@pytest.mark.timeout(300)
def test_a_run_that_outlives_its_case_is_refused_and_named(lingering: dict[str, Any]) -> None:
    read = lingering["refused"]

    assert (read["good"], read["words"]) == (True, [])
    assert read["foreign"]
    assert all(line.startswith("run 1 of case 20+0/10/overlap: ") for line in read["foreign"])


@pytest.mark.timeout(300)
def test_a_case_that_let_another_cases_run_in_is_wrong_and_says_why(
    lingering: dict[str, Any],
) -> None:
    read = lingering["let in"]

    assert not read["good"]
    assert any(
        word.startswith("run 1 of case 20+0/10/overlap was let in: ") for word in read["words"]
    )


def test_a_bug_whose_place_is_gone_is_not_planted_in_silence() -> None:
    with pytest.raises(AttributeError, match="no attribute '_try_claim'"):
        put_in_place(object(), "_try_claim", None)


def test_a_full_campaign_has_every_point_with_everything_that_may_happen() -> None:
    cases = singles(POINTS)

    assert len(cases) == len(set(cases)) == 8 * len(KINDS)
    assert {(c.now, c.blows[0].point) for c in cases} == {
        (now, point) for now, seen in POINTS.items() for point in range(len(seen))
    }


def test_a_short_campaign_has_every_sort_of_request_and_one_send_with_everything() -> None:
    many = {now: [seen[0], *seen, *seen] for now, seen in POINTS.items()}
    cases = short(many)

    for now, seen in many.items():
        played = {case.blows[0].point for case in cases if case.now == now}
        assert {seen[point] for point in played} == set(seen)
        assert {0, seen.index("sens POST"), len(seen) - 1} <= played
    assert len({(case.now, case.blows[0].point) for case in cases}) < sum(map(len, many.values()))


def test_a_short_campaign_plays_everything_at_one_send() -> None:
    cases = short(POINTS)
    (near,) = {c.now for c in cases if len([d for d in cases if d.now == c.now]) > 5}
    place = POINTS[near].index("sens POST")
    kinds = {c.blows[0].kind for c in cases if (c.now, c.blows[0].point) == (near, place)}
    assert kinds == set(KINDS)


def test_pairs_are_the_same_for_the_same_seed() -> None:
    assert pairs(POINTS, 50, seed=1) == pairs(POINTS, 50, seed=1)
    assert pairs(POINTS, 50, seed=1) != pairs(POINTS, 50, seed=2)
    assert {case.between for case in pairs(POINTS, 200, seed=1)} == {"", "cancel"}


def test_planted_bugs_are_looked_for_around_sends() -> None:
    assert {case.blows[0].point for case in near_sends(POINTS)} == {1, 2, 3}


@pytest.mark.parametrize(
    "case",
    [
        Case(AFTERNOON, (Blow(0, 23, "kill_after"),)),
        Case(EVENING, (Blow(0, 3, "status_after:503"), Blow(1, 7, "throttled"))),
        Case(AFTERNOON, (Blow(1, 2, "overlap"),), between="cancel"),
    ],
)
def test_a_case_can_be_played_again_by_its_name(case: Case) -> None:
    assert read_case(case.name, (AFTERNOON, EVENING)) == case


def test_an_unknown_moment_is_named() -> None:
    with pytest.raises(ValueError, match="must begin with 14 or 20"):
        read_case("13+0/1/kill_before", (AFTERNOON, EVENING))


@pytest.mark.parametrize(
    ("person", "owed"),
    [
        (Customer(1, "1051707", AFTERNOON + timedelta(hours=5)), ["confirmation"]),
        (Customer(1, "1051707", AFTERNOON + timedelta(hours=2)), ["confirmation", "guide"]),
        (Customer(1, "1051707", AFTERNOON), []),
        (Customer(1, "1051707", AFTERNOON + timedelta(hours=1), flags=("confirm_sms",)), ["guide"]),
        (Customer(1, "1051707", EVENING, status="RC08", flags=()), []),
    ],
)
def test_what_a_customer_is_owed_is_counted_without_the_library(
    person: Customer, owed: list[str]
) -> None:
    assert list(person.owed(AFTERNOON)) == owed
