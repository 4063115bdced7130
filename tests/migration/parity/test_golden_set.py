"""The shipped golden set through both sides: what must differ does, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import islice
from pathlib import Path

import pytest

from naverplace.base.errors import Permanent
from naverplace.migration.legacy_rows import fatal_reason
from naverplace.migration.parity.accepted_differences import NOT_VISIBLE, load_accepted
from naverplace.migration.parity.booking_view import number_of
from naverplace.migration.parity.comparator import Comparator, changed_between
from naverplace.migration.parity.comparison_run import Replayed, replay, run_legacy, without
from naverplace.migration.parity.sides import count_self_differences
from naverplace.migration.parity.values import (
    GO,
    NO_GO,
    NOT_ENOUGH,
    AcceptedId,
    ComparedRun,
    Parity,
    VerdictTerms,
)
from naverplace.migration.parity.verdict import ParityTotals, make_verdict
from naverplace.pipeline.capture.golden_set import read_golden
from naverplace.pipeline.capture.inputs import DecisionKey, Inputs
from naverplace.settings.sections import ParitySettings, ThresholdSettings
from tests.nightly import NIGHTLY
from trials.parity.__main__ import MUTANTS, compare
from trials.parity.generator import FILE, golden, moments, one_run
from trials.parity.setup import DEPLOYMENTS, RULES, make_setup

SETUP = make_setup()
EVENING, AFTERNOON, DYING, MOVING = islice(read_golden(FILE), 4)


def replayed(inputs: Inputs, comparator: Comparator = SETUP.comparator) -> Replayed:
    (run,) = replay([inputs], new=SETUP.new(), legacy=SETUP.legacy, comparator=comparator)
    return run


def compared(inputs: Inputs, comparator: Comparator = SETUP.comparator) -> ComparedRun:
    return replayed(inputs, comparator).compared


@cache  # called by tests only: every process of the tests imports this file
def whole() -> ComparedRun:
    return compared(EVENING)


@cache
def afternoon() -> Replayed:
    return replayed(AFTERNOON)


@cache
def a_store_less() -> ComparedRun:
    return compared(without(EVENING, ["867589"]))


def judged(
    found: ParityTotals,
    *,
    aa: int | None = 0,
    survivors: tuple[str, ...] | None = None,
    limits: ThresholdSettings | None = None,
) -> Parity:
    return make_verdict(
        found,
        VerdictTerms(
            kind="golden",
            made_at=EVENING.now,
            aa_differences=aa,
            mutants=50 if survivors is not None else None,
            survivors=survivors or (),
        ),
        stores=SETUP.stores,
        minimum=ParitySettings(minimum_decisions=20, minimum_sent=3),
        limits=limits,
    )


def verdict(
    found: ParityTotals, *, aa: int | None = 0, survivors: tuple[str, ...] | None = None
) -> str:
    return judged(found, aa=aa, survivors=survivors).verdict


def gathered(*runs: ComparedRun) -> ParityTotals:
    found = ParityTotals()
    for run in runs:
        found.add(run)
    return found


def test_the_file_is_what_its_generator_makes() -> None:
    assert next(read_golden(FILE)) == next(golden())


def test_the_set_holds_more_than_thirty_thousand_decisions_about_every_store() -> None:
    count = 0
    for inputs in read_golden(FILE):
        count += 2 * len({number_of(r) for r in inputs.confirmed if not fatal_reason(r)})
        count += len({number_of(r) for r in inputs.completed if not fatal_reason(r)})
        assert set(inputs.store_ids) == set(SETUP.stores)
    assert count >= 30_000


def test_every_difference_has_a_class_and_every_visible_class_is_seen() -> None:
    runs = (whole(), afternoon().compared, *map(compared, (DYING, MOVING)))
    classes = Counter(d.because for run in runs for d in run.differences)

    assert "" not in classes
    # The ledger's own states and late marks are no part of a table that only the legacy wrote.
    assert set(classes) == set(AcceptedId) - {"expired-is-recorded", "flag-means-accepted"}


def test_every_accepted_id_has_a_law_or_a_reason_to_have_none() -> None:
    accepted = load_accepted(DEPLOYMENTS / "accepted-differences.yaml")

    assert set(accepted) == set(AcceptedId) | set(NOT_VISIBLE)


def test_what_the_owner_takes_out_of_the_file_is_accepted_no_more() -> None:
    ids = set(SETUP.comparator.accepted) - {"exactly-two-hours-before"}
    strict = Comparator(ids, SETUP.comparator.texts, SETUP.stores)

    found = compared(EVENING, strict)
    wrong = [d for d in found.differences if not d.explained]

    assert {d.aspect for d in wrong} == {"decision", "flags"}
    assert verdict(gathered(found)) == NO_GO


def test_an_id_without_a_law_is_refused(tmp_path: Path) -> None:
    path = DEPLOYMENTS / "accepted-differences.yaml"
    copy = tmp_path / "accepted.yaml"
    copy.write_text(path.read_text("utf-8").replace("id: korean-time-always", "id: whatever"))
    with pytest.raises(Permanent, match="id 'whatever' has no law"):
        load_accepted(copy)


def test_the_legacy_does_not_differ_from_itself() -> None:
    one, other = (run_legacy(SETUP.legacy, EVENING) for _ in range(2))
    assert count_self_differences(one, other) == 0


def test_a_legacy_that_is_not_the_same_twice_is_found_out() -> None:
    one = run_legacy(SETUP.legacy, EVENING)
    key, item = next(iter(one.sends)), next(iter(one.flags))
    (message,) = one.sends[key]

    other_text = {**one.sends, key: (replace(message, text="something else"),)}
    other_flag = {**one.flags, item: {**one.flags[item], "option_sms": True}}
    fewer = {k: sent for k, sent in one.sends.items() if k != key}

    assert count_self_differences(one, replace(one, sends=other_text)) == 1
    assert count_self_differences(one, replace(one, flags=other_flag)) == 1
    assert count_self_differences(one, replace(one, sends=fewer)) == 1
    assert count_self_differences(one, replace(one, errors=("L15 x",))) == 1


def test_a_message_for_another_time_than_the_bookings_has_no_class() -> None:
    run = afternoon()
    key = next(iter(run.compared.new.sends))
    late = key._replace(due=key.due + timedelta(hours=1))
    sends = {late if k == key else k: sent for k, sent in run.compared.new.sends.items()}
    new = replace(run.compared.new, sends=sends)

    found = SETUP.comparator.compare(run.prepared.inputs, run.legacy, new)

    assert late in {DecisionKey(d.booking_num, d.kind, d.due) for d in found.differences if d.due}
    assert {d.booking_num for d in found.differences if not d.explained} == {key.booking_num}


def test_a_flag_set_by_the_side_that_does_not_send_has_no_class() -> None:
    run = afternoon()
    sent = next(
        d
        for d in run.compared.differences
        if d.because == "exactly-two-hours-before" and d.aspect == "decision"
    )
    item = next(key for key in run.compared.new.flags if key.booking_num == sent.booking_num)
    wrong = {**run.compared.new.flags[item], "remind_sms": False}
    theirs = {**run.compared.new.flags[item], "remind_sms": True}
    legacy = replace(run.legacy, flags={**run.legacy.flags, item: theirs})
    new = replace(run.compared.new, flags={**run.compared.new.flags, item: wrong})

    found = SETUP.comparator.compare(run.prepared.inputs, legacy, new)

    assert [d.aspect for d in found.differences if not d.explained] == ["flags"]


def test_an_error_that_the_legacy_should_not_have_has_no_class() -> None:
    run = afternoon()
    assert run.legacy.errors
    legacy = replace(run.legacy, errors=(*run.legacy.errors, "L17 one more"))

    found = SETUP.comparator.compare(run.prepared.inputs, legacy, run.compared.new)

    assert [d.aspect for d in found.differences if not d.explained] == ["errors"]


def test_thresholds_are_judged_by_what_captured_runs_measured() -> None:
    found = gathered(whole())
    found.note_figures({"seconds": 20.0, "memory_mb": 600.0, "phases": {"booking api": 61.0}})
    found.note_figures({"seconds": 30.0, "memory_mb": 400.0})
    found.note_figures({"door": "shadow"})

    rows = {row.metric: row for row in judged(found, limits=ThresholdSettings()).thresholds}

    assert (rows["Total Duration"].value, rows["Total Duration"].holds) == ("30.000s", True)
    assert rows["API Call Duration"].holds is False
    assert rows["Memory Peak"].holds is False
    assert rows["SMS Sending"].holds is None


def test_a_booking_that_changed_between_two_readings_is_noise() -> None:
    later = one_run(0, moments()[0])
    raws = [dict(raw) for raw in later.confirmed]
    raws[0]["phone"] = "01099990000"
    number = f"{raws[0]['businessId']}_{raws[0]['bookingId']}"
    assert changed_between(EVENING, replace(EVENING, confirmed=raws)) == {number}
    assert changed_between(EVENING, EVENING) == frozenset()


def test_a_store_that_was_left_out_is_in_neither_side() -> None:
    assert {key.store_id for key in a_store_less().decisions} == set(SETUP.stores) - {"867589"}


def test_enough_without_a_difference_is_a_go_with_its_bound() -> None:
    found = gathered(whole())
    assert verdict(found) == GO
    assert 2_000 < found.decisions == sum(map(found.decisions_of, SETUP.stores))


@pytest.mark.parametrize(
    ("run", "aa", "survivors", "expected"),
    [
        (whole, None, None, NOT_ENOUGH),
        (whole, 1, None, NO_GO),
        (whole, 0, ("one", "two"), NO_GO),
        (whole, 0, ("one",), GO),
        (None, 0, None, NOT_ENOUGH),
        (a_store_less, 0, None, NOT_ENOUGH),
    ],
    ids=["A/A not measured", "A/A not 0", "96 % caught", "98 % caught", "nothing", "a store less"],
)
def test_a_verdict_needs_all_of_its_proofs(
    run: Callable[[], ComparedRun] | None,
    aa: int | None,
    survivors: tuple[str, ...] | None,
    expected: str,
) -> None:
    runs = [run()] if run else []
    assert verdict(gathered(*runs), aa=aa, survivors=survivors) == expected


def test_every_wrong_system_has_its_place_and_its_rules_can_be_read() -> None:
    setup = make_setup()

    for mutant in MUTANTS:
        with mutant.in_place(), mutant.rules(RULES) as rules:
            if rules != RULES:
                setup.new(rules)


def test_there_are_a_hundred_wrong_systems_and_some_of_each_kind_are_seen() -> None:
    assert len(MUTANTS) >= 100
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)

    parity = compare(runs=1, mutants=6 if NIGHTLY else 3)

    assert parity.survivors == ()
    assert parity.unexplained == 0
