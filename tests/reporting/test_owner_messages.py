"""What is told to the owner and when: laws over any course of troubles, and the texts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naverplace.base.clock import SEOUL
from naverplace.domain.notification_routing import Summary, When
from naverplace.domain.owner_memory import OwnerMemory
from naverplace.domain.troubles import WORDS, Source, Trouble, TroubleKind
from naverplace.reporting.owner_messages import (
    HOUR,
    Look,
    OwnerMessage,
    Tally,
    due,
    memory_key,
    note,
    told,
)

NOON = datetime(2025, 10, 22, 12, tzinfo=SEOUL)
ALIASES = {"1051707": "화성점", "951291": "안산점"}
QUIET = Summary()
UNREAD = Trouble(TroubleKind.STORE_UNREAD, "1051707", "화성점", "Naver answered 503")
HALTED = Trouble(TroubleKind.STORE_HALTED, "951291", "안산점")
LOGIN = Trouble(TroubleKind.LOGIN_REFUSED)
EXPIRED = Trouble(TroubleKind.MESSAGE_EXPIRED, "1051707_1 guide", "화성점 예약 1")
LATE = Trouble(TroubleKind.MESSAGE_LATE, "1051707_1 guide", "화성점 예약 1 안내")
EVERYTHING = dict.fromkeys(TroubleKind)
ALL = (UNREAD, HALTED, LOGIN, EXPIRED, LATE)


@dataclass
class Owner:
    """Looks one after another, with a channel that may be down."""

    summary: Summary = QUIET
    memory: OwnerMemory = field(default_factory=OwnerMemory)
    now: datetime = NOON
    heard: list[tuple[datetime, OwnerMessage]] = field(default_factory=list)

    def look(
        self,
        *troubles: Trouble,
        minutes: float = 0,
        down: bool = False,
        source: Source = Source.RUN,
        **more: object,
    ) -> list[OwnerMessage]:
        self.now += timedelta(minutes=minutes)
        seen = tuple(t for t in troubles if t.words.source is source)
        fields = {"looked_at": EVERYTHING, **more}
        look = Look(source, self.now, seen, **fields)  # type: ignore[arg-type]
        self.memory = note(self.memory, look)
        messages = due(self.memory, look, self.summary, ALIASES)
        if not down:
            for message in messages:
                self.memory = told(self.memory, message, self.now)
                self.heard.append((self.now, message))
            return messages
        return []

    def run(self, run_id: str, *accepted: str, minutes: float = 20) -> list[OwnerMessage]:
        done = frozenset(accepted)
        tally = Tally(run_id, owed=done, accepted=done, stores=frozenset(ALIASES))
        return self.look(minutes=minutes, tally=tally, summarises=True)


COURSE = st.lists(
    st.tuples(
        st.sets(st.sampled_from(ALL)),
        st.sampled_from([5, 20, 61]),
        st.booleans(),
        st.sampled_from([Source.RUN, Source.WATCHDOG]),
    ),
    max_size=30,
)


@given(COURSE)
def test_whatever_happens_a_trouble_is_told_once_reminded_once_and_ended_once(
    course: list[tuple[set[Trouble], int, bool, Source]],
) -> None:
    owner = Owner()
    for troubles, minutes, down, source in course:
        owner.look(*troubles, minutes=minutes, down=down, source=source)

    for trouble in ALL:
        key, words = memory_key(trouble), trouble.words
        story: list[tuple[str, datetime]] = []
        for at, message in owner.heard:
            # One alert at a moment, and each trouble once in it.
            assert Counter(message.begun)[trouble] <= 1
            story += [("begun", at)] if trouble in message.begun else []
            story += [("reminded", at)] if key in message.reminded else []
            story += [("ended", at)] if key in message.ended else []
        if not words.ends:
            assert [what for what, _ in story] in ([], ["begun"])
            continue
        last = ("ended", NOON - 2 * HOUR)
        for what, at in story:
            assert (last[0], what) in {
                ("begun", "reminded"),
                ("begun", "ended"),
                ("reminded", "ended"),
                ("ended", "begun"),
            }
            if what == "reminded":
                assert at - last[1] >= HOUR
            last = (what, at)
        begun = [at for what, at in story if what == "begun"]
        if not words.urgent:
            assert all(later - at >= HOUR for at, later in pairwise(begun))


@given(COURSE)
def test_what_stands_at_the_end_was_told_as_soon_as_a_channel_was_there(
    course: list[tuple[set[Trouble], int, bool, Source]],
) -> None:
    owner = Owner()
    for troubles, minutes, down, source in course:
        owner.look(*troubles, minutes=minutes, down=down, source=source)
    owner.look(*ALL, minutes=61)
    owner.look(*ALL, source=Source.WATCHDOG)

    told_of = {trouble for _, message in owner.heard for trouble in message.begun}
    assert told_of | {LATE} == set(ALL)  # whose cause was told


def test_what_a_cause_that_stands_explains_is_told_when_that_is_over_and_it_is_not() -> None:
    owner = Owner()
    owner.look(UNREAD)

    assert owner.look(LATE, source=Source.WATCHDOG, minutes=15) == []
    owner.look(minutes=5)
    (message,) = owner.look(LATE, source=Source.WATCHDOG, minutes=10)

    assert message.begun == (LATE,)


def test_another_stores_trouble_explains_nothing() -> None:
    owner = Owner()
    owner.look(HALTED)

    (message,) = owner.look(LATE, source=Source.WATCHDOG, minutes=15)

    assert message.begun == (LATE,)


def test_late_messages_are_told_for_one_another_within_the_hour() -> None:
    owner = Owner()
    second = replace(LATE, subject="1051707_2 guide")
    owner.look(LATE, source=Source.WATCHDOG)

    assert owner.look(LATE, second, source=Source.WATCHDOG, minutes=10) == []
    (message,) = owner.look(LATE, second, source=Source.WATCHDOG, minutes=60)
    assert message.begun == (second,)


def test_several_new_troubles_are_one_message_in_which_the_urgent_comes_first() -> None:
    owner = Owner()

    (message,) = owner.look(UNREAD, HALTED, LOGIN)

    assert message.alert
    assert message.text.startswith("🚨 10/22 12:00 네이버가 비밀번호를 거절했습니다")
    assert "- 화성점: Naver answered 503" in message.text
    assert message.text.count("👉") == 3


def test_what_no_channel_took_is_told_the_next_time() -> None:
    owner = Owner()
    owner.look(UNREAD, EXPIRED, down=True)

    (message,) = owner.look(UNREAD, EXPIRED, minutes=20)

    assert set(message.begun) == {UNREAD, EXPIRED}


def test_a_reminder_comes_after_an_hour_and_only_once() -> None:
    owner = Owner()
    texts = ["".join(m.text for m in owner.look(HALTED, minutes=m)) for m in (0, 59, 1, 60, 600)]

    assert [bool(text) for text in texts] == [True, False, True, False, False]
    assert "12:00부터 그대로입니다: 예약 목록이 이상하여" in texts[2]


def test_a_run_of_one_store_says_nothing_of_another_one() -> None:
    owner = Owner()
    owner.look(UNREAD, HALTED)

    assert owner.look(looked_at={TroubleKind.STORE_HALTED: {"1051707"}}) == []
    (message,) = owner.look(looked_at={TroubleKind.STORE_HALTED: {"951291"}})

    assert message.text == (
        "✅ 10/22 12:00 끝났습니다: 예약 목록이 이상하여 멈춘 매장이 있습니다\n- 안산점"
    )


def test_who_cannot_see_a_trouble_does_not_end_it() -> None:
    owner = Owner()
    owner.look(LATE, source=Source.WATCHDOG)

    assert owner.look() == []
    assert len(owner.look(source=Source.WATCHDOG)) == 1


def test_many_of_one_kind_are_counted_not_listed() -> None:
    many = [Trouble(TroubleKind.BAD_BOOKING, f"1051707_{n} phone") for n in range(40)]

    (message,) = Owner().look(*many)

    assert "확인할 예약이 있습니다 (40건)" in message.text
    assert "… 외 25건" in message.text


def test_every_kind_has_its_words() -> None:
    assert set(WORDS) == set(TroubleKind)
    assert len({words.title for words in WORDS.values()}) == len(WORDS)


def test_what_went_out_is_collected_and_told_at_most_every_three_hours() -> None:
    owner = Owner()
    texts = [
        message.text
        for n in range(10)
        for message in owner.run(f"r{n}", f"1051707_{n} guide", f"951291_{n} confirmation")
    ]

    assert len(texts) == 2
    assert texts[1] == (
        "✅ 10/22 15:20 문자 18건 접수 (12:40부터)\n- 화성점: 안내 9\n- 안산점: 예약확정 9"
    )


def test_nothing_went_out_so_nothing_is_told() -> None:
    owner = Owner()

    assert [owner.run(f"r{n}") for n in range(20)] == [[]] * 20


def test_a_summary_waits_for_the_morning_and_an_alert_does_not() -> None:
    owner = Owner(now=NOON.replace(hour=21, minute=50))
    owner.run("digest due?", minutes=0)
    at_night = owner.run("night", "1051707_1 guide", minutes=60)
    alert = owner.look(LOGIN, minutes=60)
    morning = owner.run("morning", minutes=7 * 60 + 20)

    assert at_night == []
    assert [m.alert for m in alert] == [True]
    assert [m.text.splitlines()[0] for m in morning] == [
        "✅ 10/23 07:10 끝났습니다: 네이버가 비밀번호를 거절했습니다"
    ]
    (late,) = owner.run("later", minutes=60)
    assert late.text.startswith("✅ 10/23 08:10 문자 1건 접수 (22:50부터)")


def test_the_digest_of_the_evening_balances_the_day() -> None:
    owner = Owner()
    stores = frozenset(ALIASES)

    def tally(run_id: str, **sums: set[str]) -> Tally:
        return Tally(run_id, stores=stores, **{k: frozenset(v) for k, v in sums.items()})  # type: ignore[arg-type]

    one, two, three, four = (f"1051707_{n} guide" for n in range(4))
    owner.look(tally=tally("a", owed={one, two, three}, accepted={one}), summarises=True)
    owner.look(tally=tally("a", owed={one, two, three}, accepted={one}), summarises=True)  # again
    owner.look(tally=tally("b", owed={two, four}, in_doubt={four}), summarises=True, minutes=60)
    evening = tally("c", expired={two}, in_doubt={four})
    link = "https://shop.example/today.html"
    (digest,) = owner.look(tally=evening, minutes=8 * 60, summarises=True, page=link)

    assert digest.text.splitlines()[:2] == [
        "📋 10/22 21:00 하루 정리 (10/22 12:00부터)",
        "보낼 문자 4건 = 접수 1 + 시간 지남 1 + 필요 없어짐 1 + 대기 1",
    ]
    assert digest.text.splitlines()[-1] == f"👉 {link}"
    assert owner.look(tally=tally("d"), minutes=20, summarises=True) == []
    assert owner.memory.day.owed == 1


def test_the_types_of_a_month_are_counted_by_the_korean_month() -> None:
    owner = Owner(now=datetime(2025, 10, 31, 23, tzinfo=SEOUL))
    name = frozenset(["1051707_1 guide"])

    def sends(run_id: str, minutes: int) -> dict[str, int]:
        tally = Tally(run_id, accepted=name, stores=frozenset(ALIASES), types={"LMS": 2})
        owner.look(tally=tally, minutes=minutes)
        return dict(owner.memory.month.types)

    assert [sends("a", 0), sends("b", 40), sends("c", 40)] == [{"LMS": 2}, {"LMS": 4}, {"LMS": 2}]
    assert owner.memory.month.since == owner.now


@pytest.mark.parametrize(
    ("prices", "line"),
    [
        ({"SMS": 9.0, "LMS": 30.0}, "비용 69원 (SMS 1 · LMS 2 · 종류를 모르는 1건 제외)"),
        ({}, ""),
    ],
)
def test_the_digest_says_what_the_day_cost_where_prices_are_known(
    prices: dict[str, float], line: str
) -> None:
    owner = Owner()
    names = [f"1051707_{n} guide" for n in range(4)]
    types = {"SMS": 1, "LMS": 2, "": 1}
    sent = frozenset(names)
    owner.look(tally=Tally("a", owed=sent, accepted=sent, types=types), summarises=True)

    (digest,) = owner.look(minutes=9 * 60, summarises=True, tally=Tally("b"), prices=prices)

    assert [x for x in digest.text.splitlines() if x.startswith("비용")] == ([line] if line else [])


NAMES = st.frozensets(
    st.sampled_from([f"{s}_{n} {k}" for s in ALIASES for n in range(3) for k in ("guide", "event")])
)


@given(
    st.lists(
        st.tuples(NAMES, NAMES, NAMES, NAMES, NAMES, st.frozensets(st.sampled_from([*ALIASES]))),
        max_size=12,
    )
)
def test_the_balance_holds_whatever_the_runs_report(
    runs: list[tuple[frozenset[str], ...]],
) -> None:
    memory = OwnerMemory()
    for number, (owed, accepted, expired, skipped, doubt, stores) in enumerate(runs):
        tally = Tally(str(number), owed, accepted, expired, skipped, doubt, stores)
        memory = note(memory, Look(Source.RUN, NOON, tally=tally))

    day = memory.day
    assert day.owed == day.accepted + day.expired + day.withdrawn + len(memory.waiting)
    assert sum(day.sent.values()) == day.accepted


@pytest.mark.parametrize("when", [When.ALWAYS, When.DAILY])
def test_always_is_one_message_a_run_and_daily_only_the_digest(when: When) -> None:
    owner = Owner(summary=Summary(when=when))
    heard = [
        message
        for n in range(30)
        for message in owner.look(
            UNREAD,
            minutes=20,
            tally=Tally(f"r{n}", accepted=frozenset({f"1051707_{n} guide"})),
            summarises=True,
            report="🚨 the run's own summary",
        )
    ]

    if when is When.ALWAYS:
        assert [m.text for m in heard] == ["🚨 the run's own summary"] * 30
        return
    assert [m.digest for m in heard] == [False, False, True]  # told, reminded, the digest


def test_the_memory_survives_its_own_json() -> None:
    owner = Owner()
    owner.look(UNREAD, EXPIRED)
    owner.run("r", "1051707_1 guide")

    assert OwnerMemory.model_validate(owner.memory.model_dump(mode="json")) == owner.memory
