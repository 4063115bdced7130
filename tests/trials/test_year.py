"""Some days of the simulated year; and the oracle catches what is planted in the library."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from naverplace.delivery.deliver import InDoubtResolver
from naverplace.delivery.executor import EffectExecutor
from naverplace.delivery.in_doubt import Resolution
from naverplace.domain.effects import SendSms
from naverplace.rules import expiry
from naverplace.rules.engine import RuleEngine
from tests.nightly import at_night
from tests.second_claim import grant_a_second_claim
from trials.year import oracle, owed, plan
from trials.year.half import Half
from trials.year.life import Life, Version, phone_of
from trials.year.lives import HURRIED
from trials.year.oracle import Oracle, SeenRun, Verdicts
from trials.year.owed import DAY, HOUR, Told, name_of
from trials.year.task import ALL_STORES, BEGIN, Task

HARD = Task(
    seed=21,
    days=2,
    store_ids=ALL_STORES[:2],
    factor=12.0,
    a_day=160.0,
    leads=HURRIED,
    whole=False,
)

# Half as many bookings show each planted bug still, in a third of the time.
PLANTED = replace(HARD, a_day=80.0)

LATE = replace(HARD, seed=23, days=1, factor=1.0)


def let_runs_stand_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every run decide, and send only just before the next one begins; nothing else happens."""
    shares = {"late": 1.0, "kill": 0.0, "freeze": 0.0, "overlap": 0.0}
    monkeypatch.setattr(plan, "SHARES", shares)
    monkeypatch.setattr(plan, "_long", lambda luck, least, most: luck.uniform(1080, 1140))


def judged(task: Task) -> tuple[Half, Verdicts]:
    half = Half(task)
    return half, half.simulate(lambda day, tally: None)


def test_some_days_keep_every_promise() -> None:
    half, found = judged(replace(HARD, whole=True))
    assert found.duplicates == found.misses == found.wrong == found.unexplained == []
    assert half.faults == []
    tally = half.tally
    assert min(tally.messages, found.owed) > 400
    assert tally.kills > 10
    assert tally.overlaps > 10
    assert tally.moves > 5
    assert found.expired == found.explained > 0
    assert tally.complete_readings > 2


# A day ahead is known when people book days before; what is booked at short notice is new.
AHEAD = Task(
    seed=3, days=2, store_ids=ALL_STORES[:1], factor=8.0, a_day=160.0, leads=(0, 60, 40, 0)
)


def test_no_message_of_a_day_is_missed_by_the_evenings_forecast_for_a_reason_of_ours() -> None:
    half, _ = judged(AHEAD)

    assert half.faults == []
    assert half.tally.foreseen_wrong == 0
    assert half.tally.foreseen > half.tally.foreseen_right > 20


@at_night
def test_a_forecast_that_forgets_the_guides_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = RuleEngine.coming

    def coming(self: RuleEngine, *args: Any, **kwargs: Any) -> Any:
        return [m for m in real(self, *args, **kwargs) if m.effect.kind != "guide"]

    monkeypatch.setattr(RuleEngine, "coming", coming)
    half, _ = judged(replace(AHEAD, store_ids=ALL_STORES[:1], factor=1.0))

    assert half.tally.foreseen_wrong > 5
    assert "forecasts: " in half.faults[0]


def test_the_same_seed_gives_the_same_days() -> None:
    task = replace(HARD, days=1, store_ids=ALL_STORES[:1])
    first, again = judged(task)[0], judged(task)[0]
    assert first.oracle.got == again.oracle.got
    assert first.oracle.runs == again.oracle.runs


def plant_a_second_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    grant_a_second_claim(monkeypatch)


def plant_no_expiry(monkeypatch: pytest.MonkeyPatch) -> None:
    real = EffectExecutor.execute

    def execute(self: EffectExecutor, effect: Any) -> Any:
        return real(self, replace(effect, expires=None) if isinstance(effect, SendSms) else effect)

    monkeypatch.setattr(EffectExecutor, "execute", execute)


def plant_no_second_guide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "naverplace.rules.rescheduling.plan_reschedule", lambda *args, **kwargs: None
    )


def plant_no_look_at_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(self: InDoubtResolver, doubt: Any, *args: Any) -> Any:
        self.table.release_claim(doubt.claim, "planted", now=self.clock.now())
        return doubt.resolved_as(Resolution.FREED, "planted")

    monkeypatch.setattr(InDoubtResolver, "_look_up", look_up)


def plant_silence_about_the_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "find_expired", lambda *args, **kwargs: ())


def plant_doubts_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(InDoubtResolver, "resolve", lambda self, doubts: list(doubts))


@pytest.mark.parametrize(
    ("plant", "caught"),
    [
        (plant_a_second_claim, "duplicates"),
        pytest.param(plant_no_look_at_the_log, "duplicates", marks=at_night),
        pytest.param(plant_no_expiry, "wrong", marks=at_night),
        pytest.param(plant_no_second_guide, "misses", marks=at_night),
        pytest.param(plant_doubts_for_ever, "misses", marks=at_night),
        (plant_silence_about_the_lost, "unexplained"),
    ],
)
def test_a_planted_bug_is_caught(
    plant: Callable[[pytest.MonkeyPatch], None], caught: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    if plant is plant_no_expiry:
        let_runs_stand_still(monkeypatch)
    _, found = judged(LATE if plant is plant_no_expiry else PLANTED)
    assert getattr(found, caught)


@at_night
def test_a_run_that_stands_still_until_it_is_too_late_sends_nothing_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    let_runs_stand_still(monkeypatch)
    _, found = judged(LATE)
    assert found.wrong == found.duplicates == found.unexplained == []
    assert found.expired == found.explained > 0


def test_the_oracle_shares_no_code_with_the_library() -> None:
    used = [name for module in (oracle, owed) for name in imported(module)]
    theirs = {name for name in used if name.partition(".")[0] not in sys.stdlib_module_names}
    assert theirs == {"trials.year.owed"}


def imported(module: ModuleType) -> list[str]:
    nodes = list(ast.walk(ast.parse(inspect.getsource(module))))
    found = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return found + [a.name for node in nodes if isinstance(node, ast.Import) for a in node.names]


@pytest.mark.parametrize(("others", "missed"), [(5, 1), (6, 0)])
def test_only_a_phone_that_got_its_six_of_a_day_may_miss_one(others: int, missed: int) -> None:
    watching, phone, noon = Oracle({"1": "화성점"}), phone_of(1), BEGIN.timestamp() + DAY / 2
    life = Life("1", 7, noon)
    life.versions.append(Version(noon, "RC03", noon + DAY, phone, name_of(1), (), noon))
    for number in range(others):
        watching.got[Told("confirmation", phone, f"1_{number}")].append(noon - HOUR)
    watching.note_run(SeenRun(noon + 60, noon + 70, noon + 70, False, frozenset({"1"})))

    assert len(watching.judge([life], until=noon + HOUR).misses) == missed


def test_a_message_that_nobody_can_place_is_wrong() -> None:
    watching = Oracle({"1": "화성점"})
    watching.note_message(at=0.0, to="01000000001", subject="[광고] 화성점", text="?")
    assert watching.judge([], until=1.0).wrong


@pytest.mark.parametrize(("minutes", "wrong"), [(-1, 1), (1, 0)])
def test_what_a_run_sends_that_stood_still_beyond_the_end_is_not_judged(
    minutes: int, wrong: int
) -> None:
    watching, end = Oracle({"1": "화성점"}), BEGIN.timestamp() + DAY
    watching.got[Told("confirmation", phone_of(1), "1_7")].append(end + minutes * 60)

    assert len(watching.judge([], until=end).wrong) == wrong


@pytest.mark.parametrize(("confirmed", "missed"), [(-8, 1), (2, 0)])
def test_a_completed_booking_is_owed_an_event_once_it_was_confirmed(
    confirmed: float, missed: int
) -> None:
    watching, phone = Oracle({"1": "화성점"}), phone_of(1)
    evening = BEGIN.timestamp() + 20 * HOUR
    life, options = Life("1", 7, evening - 9 * HOUR), ("네이버 포토리뷰 약속",)
    start = evening + 2 * DAY
    for at, status in [(life.made, "RC03"), (evening - 7 * HOUR, "RC08")]:  # by a slip
        life.versions.append(Version(at, status, start, phone, name_of(1), options, life.made))
    watching.got[Told("confirmation", phone, "1_7")].append(evening + confirmed * HOUR)
    watching.note_run(SeenRun(evening + 60, evening + 70, evening + 70, False, frozenset({"1"})))

    misses = watching.judge([life], until=evening + 3 * HOUR).misses
    assert len([line for line in misses if line.startswith("event")]) == missed
