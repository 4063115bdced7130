"""Compare the legacy with itself and with the new flow, then with wrong flows; end with JSON.

Usage: python -m trials.parity [--runs N] [--mutants N] [--report FOLDER]; exit 1 unless GO.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from naverplace.base.clock import SEOUL
from naverplace.migration.parity.accepted_differences import load_accepted
from naverplace.migration.parity.comparison_run import NewSystem, Replayed, replay
from naverplace.migration.parity.report import write_parity_report
from naverplace.migration.parity.values import GO, Parity, VerdictTerms
from naverplace.migration.parity.verdict import ParityTotals, make_verdict
from naverplace.pipeline.capture.golden_set import read_golden
from naverplace.rules.rulebook_version import rules_version
from naverplace.settings.sections import ParitySettings
from trials.parity.generator import FILE
from trials.parity.mutants import Mutant
from trials.parity.setup import DEPLOYMENTS, RULES, Setup, make_setup
from trials.parity.wrong_code import CODE
from trials.parity.wrong_rules import RULES as WRONG_RULES
from trials.parity.wrong_rules import TEXTS as WRONG_TEXTS

NOTE = "A golden set of invented bookings: it proves the rules, not your shop's data."
MUTANTS = (*WRONG_RULES, *WRONG_TEXTS, *CODE)


def main(arguments: list[str] | None = None) -> int:
    """Compare everything, and tell by the exit code whether it is a GO."""
    parser = argparse.ArgumentParser(prog="python -m trials.parity")
    parser.add_argument("--runs", type=int, help="only so many runs of the golden set")
    parser.add_argument("--mutants", type=int, help="only every n-th mutant, so many")
    parser.add_argument("--report", type=Path, help="a folder for the report")
    given = parser.parse_args(arguments)
    parity = compare(runs=given.runs, mutants=given.mutants)
    for line in parity.why:
        say(f"{parity.verdict}: {line}")
    if given.report:
        report(parity, given.report)
    print(json.dumps(told(parity), ensure_ascii=False))  # noqa: T201 - the result
    return 0 if parity.verdict == GO else 1


def compare(*, runs: int | None = None, mutants: int | None = None) -> Parity:
    """Do the A/A comparison, the replay and the mutants."""
    started, setup, totals, aa = time.monotonic(), make_setup(), ParityTotals(), 0
    known: list[Replayed] = []
    every = islice(read_golden(FILE), runs)
    for run in replay(every, new=setup.new(), legacy=setup.legacy, comparator=setup.comparator):
        aa += run.aa_differences
        totals.add(run.compared)
        known.append(run)
        wrong = len(totals.unexplained)
        say(f"{run.inputs.run_id}: {totals.decisions} decisions, {wrong} unexplained")
    chosen = MUTANTS[:: max(1, len(MUTANTS) // mutants)] if mutants else MUTANTS
    return make_verdict(
        totals,
        VerdictTerms(
            kind="golden",
            made_at=datetime.now(SEOUL),
            aa_differences=aa,
            rules_version=rules_version(RULES, DEPLOYMENTS / "stores.yaml"),
            mutants=len(chosen),
            survivors=tuple(_survivors(setup, known, chosen)),
            seconds=round(time.monotonic() - started, 1),
            notes=(NOTE,),
        ),
        stores=setup.stores,
        minimum=ParitySettings(),
    )


def told(parity: Parity) -> dict[str, Any]:
    """Give the result as the issue asks for it."""
    return {
        "aa_differences": parity.aa_differences,
        "decisions": parity.decisions,
        "unexplained": parity.unexplained,
        "legacy_died": parity.legacy_died,
        "fatal_rows": len(parity.fatal_rows),
        "accepted": dict(parity.accepted),
        "mutants": parity.mutants,
        "caught": parity.caught,
        "bound_95": parity.bound_95,
        "verdict": parity.verdict,
        "seconds": parity.seconds,
    }


def report(parity: Parity, folder: Path) -> None:
    """Write the report's files, and say where they are."""
    accepted = load_accepted(DEPLOYMENTS / "accepted-differences.yaml")
    for path in write_parity_report(parity, folder, accepted):
        say(f"report: {path}")


def say(line: str) -> None:
    """Tell how far it is."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - progress


def _survivors(setup: Setup, known: Sequence[Replayed], mutants: Sequence[Mutant]) -> Iterator[str]:
    """Put one wrong system after the other in the right one's place; name those not seen."""
    for place, mutant in enumerate(mutants, start=1):
        seen = _seen(setup, known, mutant)
        say(f"mutant {place}/{len(mutants)}: {mutant.name}: {seen or 'NOT SEEN'}")
        if not seen:
            yield mutant.name


def _seen(setup: Setup, known: Sequence[Replayed], mutant: Mutant) -> str:
    """Say what gives a mutant away: the first difference without a class."""
    with mutant.rules(RULES) as rules:
        new = setup.new(rules)
        with mutant.in_place():
            for run in known:
                try:
                    found = _first_unexplained(setup, new, run, reads=mutant.reads)
                except Exception as error:  # noqa: BLE001 - a flow that breaks is seen by anybody
                    return f"it breaks: {type(error).__name__}"
                if found:
                    return found
    return ""


def _first_unexplained(setup: Setup, new: NewSystem, run: Replayed, *, reads: bool) -> str:
    prepared = new.prepare(run.inputs) if reads else run.prepared
    if prepared.stopped:
        return "the gates stop a store"
    compared = setup.comparator.compare(
        run.inputs, run.legacy, new.output(prepared), death=run.compared.death
    )
    wrong = [d for d in compared.differences if not d.explained]
    return f"{wrong[0].aspect}: {wrong[0].legacy} / {wrong[0].new}" if wrong else ""


if __name__ == "__main__":
    sys.exit(main())
