"""The trial of the tests can fail: what nobody notices lives on, and an empty one is no success."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from trials.mutants.equivalent import equivalents
from trials.mutants.forking import DIED, OUT_OF_TIME, forked
from trials.mutants.judging import judge
from trials.mutants.modules import MODULES
from trials.mutants.mutant import Fate, Mutant, mutant_of
from trials.mutants.probes import PROBE, probed, statements
from trials.mutants.session import Told
from trials.mutants.trying import NOT_EXECUTED, SURVIVED, Module

ROOT = Path(__file__).resolve().parents[2]
MATCHING = "naverplace/domain/record_matching.py"
MUTANT = Mutant(MATCHING, "core/AddNot", 1, "if a:", "if not a:", "")
KILLED, ALIVE = Fate(killed=True, by="a test", cpu=0.1), Fate(killed=False, by=SURVIVED, cpu=0.1)
CODE = '''
LIMIT = 1

def f(x):
    """Say."""
    if x > LIMIT:
        return (
            "more"
        )
    def inner():
        return 2
    try:
        return inner()
    except ValueError:
        return 3
'''


SHOP = """from functools import cache

RATE = 10


@cache
def discount(count: int) -> int:
    if count > 5:
        return RATE
    return 0


def price(count: int) -> int:
    return count * 100 - discount(count)


def unasked() -> int:
    return 1
"""
TESTS = """from shop import discount, price


def test_many(caplog):  # what tests may ask pytest for is there
    assert price(6) == 590


def test_few_and_many():
    assert (discount(1), discount(6)) == (0, 10)
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "test_shop.py").write_text(TESTS)
    return tmp_path


def fates(shop: Path, *planted: tuple[str, str], tests: Sequence[str]) -> list[Fate]:
    """Try the shop with each of these pieces of its text replaced, in a process of its own."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as pool:
        return pool.submit(_fates, shop, planted, tests).result()


def _fates(shop: Path, planted: Sequence[tuple[str, str]], tests: Sequence[str]) -> list[Fate]:
    sys.path.insert(0, str(shop))
    mutants = []
    for old, new in planted:
        line = SHOP[: SHOP.index(old)].count("\n") + 1
        changed = SHOP.replace(old, new, 1)
        mutants.append(mutant_of("shop.py", SHOP, changed, operator="planted", line=line))
    tried = dict(Module("shop.py", tests, root=shop).try_all(mutants))
    return [tried[mutant] for mutant in mutants]


def test_each_statement_that_is_executed_tells_its_line_and_the_program_does_the_same() -> None:
    told: list[int] = []
    names: dict[str, object] = {PROBE: told.append}

    exec(compile(probed(CODE), "probed", "exec"), names)
    f = names["f"]
    assert callable(f)

    assert (f(2), f(0), f.__doc__) == ("more", 2, "Say.")
    assert told == [6, 7, 6, 10, 12, 13, 11]


def test_a_line_is_of_the_innermost_statement_and_a_constant_of_the_import() -> None:
    of = statements(CODE)

    assert (of[6], of[8], of[11], of[12], of[13], of[15]) == (6, 7, 11, 12, 13, 15)
    assert 2 not in of
    assert 4 not in of


def test_a_change_that_a_test_notices_is_killed_and_one_that_does_the_same_lives_on(
    shop: Path,
) -> None:
    planted = (
        ("count > 5", "count > 6"),
        ("count > 5", "count >= 6"),
        ("RATE = 10", "RATE = 11"),
        ("return 1", "return 2"),
        ("    return 0", "    import os; os.abort()"),
    )

    wrong, same, constant, unasked, aborted = fates(shop, *planted, tests=["test_shop.py"])

    assert (wrong.killed, constant.killed, aborted.killed) == (True, True, True)
    assert wrong.by.startswith("test_shop.py::test_")
    assert aborted.by.startswith(DIED)
    assert (same.killed, same.by) == (False, SURVIVED)
    assert (unasked.killed, unasked.by) == (False, NOT_EXECUTED)


def test_a_cache_hides_from_no_test_what_it_executes(shop: Path) -> None:
    (shop / "test_shop.py").write_text(TESTS.replace("price(6) == 590", "price(6)"))

    (fate,) = fates(shop, ("return RATE", "return 11"), tests=["test_shop.py"])

    assert fate.by == "test_shop.py::test_few_and_many"


def test_where_no_test_runs_everything_lives_on(shop: Path) -> None:
    found = fates(shop, ("count > 5", "count > 6"), ("RATE = 10", "RATE = 11"), tests=[])

    assert {(fate.killed, fate.by) for fate in found} == {(False, NOT_EXECUTED)}


def test_nothing_is_said_where_the_tests_fail_as_it_is(shop: Path) -> None:
    (shop / "test_shop.py").write_text(TESTS.replace("590", "591"))

    with pytest.raises(RuntimeError, match="fail as it is"):
        fates(shop, ("count > 5", "count > 6"), tests=["test_shop.py"])


def test_what_needs_too_much_cpu_time_is_ended() -> None:
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as pool:
        told = pool.submit(_endless).result()

    assert told.code != 0
    assert told.failed == OUT_OF_TIME


def _endless() -> Told:
    def session() -> Told:
        while True:
            pass

    ((_, told),) = forked([session], at_once=1, limit=0.5)
    return told


def test_no_mutant_is_no_success() -> None:
    assert not judge([], {}, whole=[], cpu={}).enough(0.0)


def test_the_score_leaves_out_what_is_equivalent_and_only_that() -> None:
    other, third = replace(MUTANT, after="if b:"), replace(MUTANT, after="if c:")
    entry = {(MATCHING, "if a:", "if b:"): "the same"}

    verdict = judge(
        [(MUTANT, KILLED), (other, ALIVE), (third, ALIVE)], entry, whole=[MATCHING], cpu={}
    )

    assert (verdict.mutants, verdict.killed, verdict.equivalent) == (3, 1, 1)
    assert verdict.score == 0.5
    assert verdict.survivors == [f"{third}: {SURVIVED}"]
    assert verdict.enough(0.5)
    assert not verdict.enough(0.51)


@pytest.mark.parametrize(("after", "fate"), [("if b:", KILLED), ("if c:", ALIVE)])
def test_an_equivalent_that_is_killed_or_no_mutant_is_wrong(after: str, fate: Fate) -> None:
    entry = {(MATCHING, "if a:", "if b:"): "the same"}
    tried = [(replace(MUTANT, after=after), fate), (MUTANT, KILLED)]

    verdict = judge(tried, entry, whole=[MATCHING], cpu={})

    assert len(verdict.wrong_entries) == 1
    assert not verdict.enough(0.0)


def test_every_equivalent_is_a_line_of_its_module_and_says_why() -> None:
    for module, before, after in equivalents():
        text = " ".join((ROOT / module).read_text(encoding="utf-8").split())

        assert module in MODULES
        assert " ".join(before.split()) in text, f"{module}: {before}"
        assert before != after


def test_the_command_fails_when_it_mutated_nothing() -> None:
    pytest.importorskip("cosmic_ray", reason="`make mutants` installs it")
    words = [sys.executable, "-m", "trials.mutants", "--module", "no such module"]

    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert json.loads(ended.stdout)["mutants"] == 0
