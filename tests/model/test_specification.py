"""The specification of the delivery holds by itself, and the code takes its steps and no others."""

from __future__ import annotations

import logging
import pickle
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from naverplace.base.clock import parse_time
from tests import npm
from tests.interleaving import Node, World, explore_all
from tests.model.shop import ShopWorld, a_delivery, owed, repeatable
from tests.model.test_delivery_interleavings import CERTAIN, NOON, two_known_bookings

ROOT = Path(__file__).resolve().parents[2]
QUINT = npm.TOOLS / "quint-0.33.1"  # package.json's version
SPECIFICATION = ROOT / "specs" / "delivery.qnt"
STATES = {"owed": "Owed", "claimed": "Claimed", "accepted": "Accepted"}
# Of each message: its state, by whom, its flag, how often SENS took it; and a claim of long ago.
Seen = tuple[tuple[str, str, bool, int, bool], ...]


@pytest.fixture(scope="module", autouse=True)
def quint() -> None:
    if why := npm.missing(QUINT):
        pytest.skip(f"quint: {why}")
    try:
        npm.install(Path(__file__).parent / "quint", QUINT)
    except subprocess.SubprocessError as error:
        pytest.skip(f"quint: npm could not install it: {error}")


def run_quint(command: str, file: Path, *words: str) -> str:
    line = ["node", "node_modules/.bin/quint", command, str(file), "--backend=typescript", *words]
    return subprocess.run(line, cwd=QUINT, check=False, capture_output=True, text=True).stdout


def simulate(invariant: str, samples: int) -> str:
    words = (f"--invariant={invariant}", f"--max-samples={samples}", "--max-steps=20", "--seed=1")
    return run_quint("run", SPECIFICATION, *words)


def test_its_invariants_hold_in_random_runs() -> None:
    assert "No violation found" in simulate("safe", 200)


@pytest.mark.parametrize("reached", ["neverAllDone", "neverAdoptedForTheDead"])
def test_its_runs_reach_what_they_are_about(reached: str) -> None:
    assert "[violation]" in simulate(reached, 3000)


def test_every_step_of_the_code_is_one_of_its_steps(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """All that two runs can do with a crash and a long wait, replayed and compared."""
    traces = recorded(monkeypatch)
    taken = {action.partition("(")[0] for trace, _ in traces for action in trace}
    assert taken == {
        *(
            "claim",
            "claimLate",
            "sensAccepts",
            "sensRefuses",
            "record",
            "adopt",
            "free",
            "crash",
            "timePasses",
        ),
    }
    tests = "\n".join(f"  run t{n}Test = {written(*trace)}" for n, trace in enumerate(traces))

    answer = replay(tests, tmp_path)

    assert f"{len(traces)} passing" in answer, answer[-2000:]
    assert "failed" not in answer


def test_a_step_that_the_specification_forbids_is_noticed(tmp_path: Path) -> None:
    """Two runs that claim the same message, as with a claim without condition."""
    trace = written(
        ('claim("A", "1")', 'claim("B", "1")'), (("Claimed", "B", False, 0, False),) * 2
    )

    answer = replay(f"  run wrongTest = {trace}", tmp_path)

    assert "passing" not in answer
    assert "1 failed" in answer


def replay(tests: str, folder: Path) -> str:
    shutil.copy(SPECIFICATION, folder)
    file = folder / "traces.qnt"
    file.write_text(f'module traces {{\n  import delivery.* from "./delivery"\n{tests}\n}}\n')
    return run_quint("test", file, "--main=traces", "--max-samples=1")


def recorded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[str, ...], Seen]]:
    """Explore the code, and give a way to each different step with what is seen after it."""
    repeatable(monkeypatch)
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)
    world = two_known_bookings()
    effects = owed(world)
    ways: dict[Any, tuple[str, ...]] = {}
    steps: dict[tuple[Seen, str], tuple[tuple[str, ...], Seen]] = {}

    def observe(before: Node, after: Node, by: str) -> None:
        was, now = seen(before), seen(after)
        way = ways.setdefault(before.name, ())
        actions = actions_of(was, now, by)
        ways.setdefault(after.name, (*way, *actions))
        if actions:
            steps.setdefault((was, " ".join(actions)), ((*way, *actions), now))

    runs = [a_delivery(name, effects) for name in "AB"]
    explore_all(world, runs, [NOON, NOON + CERTAIN], lambda _: None, crashes=1, observe=observe)
    return list(steps.values())


def seen(node: Node) -> Seen:
    """Look at a state of the code as the specification does."""
    world: World = pickle.loads(node.left.world)
    assert isinstance(world, ShopWorld)
    taken = Counter(message.booking for message in world.log)
    found = []
    for _, item in sorted(world.tables["sms"].items()):
        entry = item.get("message_confirmation", {"state": "owed", "token": ""})
        by = entry["token"].partition("-")[0] if entry["state"] != "owed" else ""
        state = STATES[entry["state"]]
        claimed_at = parse_time(entry.get("claimed_at")) or world.now
        late = state == "Claimed" and claimed_at < world.now
        flag = item["confirm_sms"] is True
        found.append((state, by, flag, taken[item["booking_num"]], late))
    return tuple(found)


def actions_of(was: Seen, now: Seen, by: str) -> tuple[str, ...]:
    """Name a step of the code in the specification's words; a step that shows nothing is none."""
    if by == "time":
        return ("timePasses",)
    if by.endswith("dies"):
        return (f'crash("{by[0]}")',)
    actions = []
    for m, (old, new) in enumerate(zip(was, now, strict=True), start=1):
        own = f'("{by}", "{m}")'
        if new[3] > old[3]:
            actions.append(f"sensAccepts{own}")
        elif (old[0], new[0]) == ("Owed", "Claimed"):
            actions.append(f"{'claimLate' if new[4] else 'claim'}{own}")
        elif (old[0], new[0]) == ("Claimed", "Accepted"):
            actions.append(f"record{own}" if old[1] == by else f'adopt("{m}")')
        elif (old[0], new[0]) == ("Claimed", "Owed"):
            actions.append(f"sensRefuses{own}" if old[1] == by else f'free("{m}")')
        else:
            assert old[:4] == new[:4], f"no action leads from {old} to {new}"
    return tuple(actions)


def written(trace: tuple[str, ...], after: Seen) -> str:
    """Write a trace as a run of Quint."""
    expected = ", ".join(
        f'ledger.get("{m}").state == {state}, ledger.get("{m}").by == "{by}", '
        f'ledger.get("{m}").flag == {str(flag).lower()}, taken.get("{m}") == {taken}'
        for m, (state, by, flag, taken, _) in enumerate(after, start=1)
    )
    return "init" + "".join(f".then({a})" for a in trace) + f".expect(and {{ {expected} }})"
