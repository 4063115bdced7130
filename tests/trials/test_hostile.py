"""Some odd inputs of every family are held; and the trial's oracle notices what is broken."""

from __future__ import annotations

import json

import pytest

from tests.nightly import NIGHTLY
from tests.trials.playing import Played, play
from trials.hostile.bugs import BUGS
from trials.hostile.families import FAMILIES
from trials.hostile.inputs import NIGHT
from trials.hostile.oracle import fold, forms_of

QUICK = ("an event is guessed",)


@pytest.fixture(scope="module")
def done() -> Played:
    """Play planted bugs and the short form together: processes that can play are made once."""
    bugs = ("--bugs", *(() if NIGHTLY else QUICK))
    return play("trials.hostile", "--short", "--seed", "1", "--processes", "2", *bugs, timeout=1500)


@pytest.mark.slow
@pytest.mark.timeout(1600)
def test_some_odd_inputs_of_every_family_are_held(done: Played) -> None:
    wrong = [line for line in done.err.splitlines() if "WRONG" in line or line[:6] == " " * 6]
    assert (wrong, done.code) == ([], 0)
    assert set(done.final) == {"families", "inputs", "held", "wrong", "seconds"}
    assert done.final["families"] == len(FAMILIES)
    assert done.final["held"] == done.final["inputs"]


@pytest.mark.slow
@pytest.mark.timeout(1600)
def test_planted_bugs_are_noticed(done: Played) -> None:
    noticed = json.loads(done.out.splitlines()[0])

    assert done.code == 0
    assert noticed == dict.fromkeys(sorted(BUGS if NIGHTLY else QUICK), True)


def test_there_are_enough_inputs_and_bugs() -> None:
    assert sum(family.whole for family in FAMILIES.values()) >= 600
    assert len(BUGS) >= 9
    assert {bug.family for bug in BUGS.values()} <= set(FAMILIES)


@pytest.mark.parametrize("name", list(FAMILIES))
def test_a_seed_makes_the_same_input_every_time_and_each_night_has_others(name: str) -> None:
    family = FAMILIES[name]
    tonight, tomorrow = family.seeds(7, short=False), family.seeds(8, short=False)

    assert len(set(tonight)) == len(tonight) == family.whole
    assert repr([family.value(s) for s in tonight]) == repr([family.value(s) for s in tonight])
    assert {s for s in tonight if s < NIGHT} == {s for s in tomorrow if s < NIGHT}
    assert set(tonight) != set(tomorrow)


def test_a_secret_is_looked_for_in_the_forms_in_which_it_may_be_written() -> None:
    forms = forms_of('ab"c&d/efgh')

    assert {"ab%22c%26d%2Fefgh", "ab&quot;c&amp;d/efgh", 'ab\\"c&d/efgh', 'hgfe/d&c"ba'} <= forms
    assert fold("０１０-①②\u200b３4") == "010-1234"
