"""Some hours of the day; and its oracle sees who was told too late, twice, of nothing, or not."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from sandbox.credentials import STORE_IDS
from tests.nightly import at_night
from tests.trials.playing import play
from trials.day.bugs import BUGS
from trials.day.days import ALL, whole
from trials.day.oracle import Verdict, judge
from trials.day.player import Message
from trials.day.prefect_server import PrefectServer
from trials.day.schedule import deployments
from trials.day.shop import BEGIN
from trials.day.trouble import Planted, trouble_named

UNREAD = trouble_named("a store's bookings cannot be read")
ALERT = (
    "⚠️ 03/11 10:20 가온점의 예약을 읽지 못했습니다\n문자가 늦어집니다\n👉 다음 실행을 기다려 주세요"
)
END = "✅ 03/11 11:00 끝났습니다: 가온점의 예약을 읽지 못했습니다"
KEYS = {
    "runs",
    "looks",
    "messages",
    "healthy",
    "troubles",
    "told_once",
    "late",
    "untold",
    "repeated",
    "seconds",
}


def at(clock: str) -> datetime:
    hours, minutes = map(int, clock.split(":"))
    return BEGIN + timedelta(hours=hours, minutes=minutes)


@pytest.mark.timeout(600)
def test_some_hours_tell_what_is_wrong_once_and_nothing_else() -> None:
    done = play("trials.day", "--processes", "1", "--short", timeout=600)

    final, told = done.final, done.out.splitlines()
    wrong = [line for line in told if "WRONG" in line or "TOLD OF NOTHING" in line]
    assert (wrong, done.code) == ([], 0)
    assert set(final) == KEYS
    assert final["healthy"] == {"alarms": 0, "owner_messages": 1}
    assert final["told_once"] == final["troubles"] == 2
    assert final["late"] == final["untold"] == final["repeated"] == 0


@at_night
@pytest.mark.slow
@pytest.mark.timeout(1600)
def test_every_planted_bug_is_noticed() -> None:
    done = play("trials.day", "--processes", "2", "--bugs", timeout=1500)

    assert done.code == 0
    assert done.final
    assert all(done.final.values())


def told(*messages: tuple[str, str], to: tuple[str, ...] = ("owner", "engineer")) -> Verdict:
    planted = Planted(UNREAD, at("10:18"), at("10:42"))
    sent = [Message(at(clock), who, text) for clock, text in messages for who in to]
    (verdict,), beside = judge([planted], sent)
    assert beside == []
    return verdict


def test_a_trouble_that_is_told_once_to_its_end_is_good() -> None:
    assert told(("10:20", ALERT), ("11:00", END)).good


def test_a_trouble_that_nobody_is_told_of_is_untold_to_everybody() -> None:
    assert told().untold == [
        "owner: never told",
        "owner: its end was not told",
        "engineer: never told",
        "engineer: its end was not told",
    ]


def test_what_is_told_to_one_person_is_untold_to_the_other() -> None:
    verdict = told(("10:20", ALERT), ("11:00", END), to=("owner",))

    assert verdict.untold == ["engineer: never told", "engineer: its end was not told"]


def test_what_comes_after_twenty_minutes_is_late() -> None:
    verdict = told(("10:40", ALERT), ("11:10", END))

    assert verdict.late[:2] == [
        "owner: told after 22 minutes",
        "owner: its end was told after 28 minutes",
    ]


def test_what_is_told_again_is_repeated() -> None:
    verdict = told(("10:20", ALERT), ("10:40", ALERT), ("11:00", END), ("11:02", END))

    assert len(verdict.repeated) == 4


def test_what_says_neither_what_it_means_nor_what_to_do_is_untold() -> None:
    verdict = told(("10:20", ALERT.splitlines()[0]), ("11:00", END))

    assert verdict.untold[0] == "owner: told without what it means and what to do"


def test_what_is_told_of_nothing_is_named() -> None:
    _, beside = judge([], [Message(at("10:20"), "owner", ALERT)])

    assert beside == [f"10:20 owner: {ALERT.splitlines()[0]}"]


def test_a_summary_within_the_hour_is_one_too_many() -> None:
    summary = "✅ 03/11 10:00 문자 3건 접수 (10:00부터)"
    _, beside = judge([], [Message(at(clock), "owner", summary) for clock in ("10:00", "10:40")])

    assert beside == ["10:40 owner: a second summary within an hour"]


LOST = (
    "⚠️ 03/11 11:00 시간이 지나 보내지 못한 문자가 있습니다\n"
    "- 가온점 예약 704 예약확정: 기한 2026-03-11 10:50\n고객이 받지 못했습니다\n👉 전화해 주세요"
)


@pytest.mark.parametrize(
    ("store_id", "start", "times", "noticed"),
    [
        (STORE_IDS[2], "10:50", ["11:00"], 0),
        (STORE_IDS[2], "10:50", ["11:00", "11:20"], 1),  # again
        (STORE_IDS[2], "10:10", ["11:00"], 1),  # it began before the trouble
        (STORE_IDS[2], "11:10", ["11:00"], 1),  # a run came before it
        (STORE_IDS[3], "10:50", ["11:00"], 1),  # of a store that is served
    ],
)
def test_only_whose_start_a_trouble_has_passed_over_is_named_with_it(
    store_id: str, start: str, times: list[str], noticed: int
) -> None:
    planted = Planted(UNREAD, at("10:18"), at("10:42"))
    messages = [Message(at(clock), "owner", LOST) for clock in times]

    _, beside = judge([planted], messages, {"704": [(store_id, at(start))]})

    assert len(beside) == noticed


def test_a_day_has_every_schedule_of_prefect_yaml() -> None:
    ticks = {d.flow: list(d.ticks(BEGIN, BEGIN + timedelta(days=1))) for d in deployments()}

    assert {flow: len(times) for flow, times in ticks.items()} == {
        "process-bookings": 72,
        "watchdog": 144,
        "reconcile": 1,
        "retention": 1,
    }
    assert ticks["reconcile"] == [at("09:10")]


def test_a_worker_that_is_gone_is_told_once_by_the_server() -> None:
    heard: list[str] = []
    server = PrefectServer(heard.append, worker=False)
    runs = next(d for d in deployments() if d.flow == "process-bookings")

    for clock in ("10:00", "10:20", "10:40"):
        assert not server.due(runs, at(clock))
        server.late(runs, at(clock), at(clock))

    assert len(heard) == 1


def test_there_are_enough_troubles_and_bugs_one_after_another() -> None:
    plans = whole(seed=1)

    assert sum(len(plan.planted()) for plan in plans) >= 25
    assert len(BUGS) >= 8
    for plan in plans:
        fixed = [trouble for _, trouble in plan.fixed]
        planted = [p for p in plan.planted() if p.trouble not in fixed]
        for before, after in pairwise(planted):
            assert after.trouble.joins or after.at - before.until >= timedelta(minutes=20)


def test_a_bug_is_shown_by_a_trouble_that_is_planted() -> None:
    names = {trouble.name for trouble in ALL}

    assert {bug.shown_by for bug in BUGS.values()} <= names | {""}
