"""The shipped golden set through both sides: what must differ does, and nothing else."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest

from naverplace.errors import Permanent
from naverplace.parity.classes import NOT_VISIBLE, VISIBLE, load_accepted
from naverplace.parity.comparing import Comparator, changed_between
from naverplace.parity.evidence import Gathered, Minimum
from naverplace.parity.golden import read_golden
from naverplace.parity.judging import Power, judge
from naverplace.parity.replaying import against_itself, replay, without
from naverplace.parity.values import GO, NO_GO, NOT_ENOUGH, Compared, Inputs
from trials.parity.__main__ import MUTANTS, compare
from trials.parity.generator import FILE, golden, moments, one_run
from trials.parity.setup import DEPLOYMENTS, make_setup

SETUP = make_setup()
EVENING, AFTERNOON = islice(read_golden(FILE), 2)


def compared(inputs: Inputs, comparator: Comparator = SETUP.comparator) -> Compared:
    ((found, _),) = replay([inputs], new=SETUP.new(), legacy=SETUP.legacy, comparator=comparator)
    return found


WHOLE = compared(EVENING)


def verdict(found: Gathered, *, aa: int | None = 0, power: Power | None = None) -> str:
    return judge(
        found,
        kind="golden",
        made_at=EVENING.now,
        stores=SETUP.stores,
        minimum=Minimum(decisions=20, sent=3),
        aa_differences=aa,
        power=power,
    ).verdict


def gathered(*runs: Compared) -> Gathered:
    found = Gathered()
    for run in runs:
        found.add(run)
    return found


def test_the_file_is_what_its_generator_makes() -> None:
    assert next(read_golden(FILE)) == next(golden())


def test_the_set_holds_more_than_thirty_thousand_decisions_about_every_store() -> None:
    count = 0
    for inputs in read_golden(FILE):
        count += 2 * len({(r["businessId"], r["bookingId"]) for r in inputs.confirmed})
        count += len({(r["businessId"], r["bookingId"]) for r in inputs.completed})
        assert set(inputs.store_ids) == set(SETUP.stores)
    assert count >= 30_000


def test_every_difference_has_a_class_and_every_visible_class_is_seen() -> None:
    classes = Counter(d.because for d in (*WHOLE.differences, *compared(AFTERNOON).differences))

    assert "" not in classes
    # The ledger's own states and late marks are no part of a table that only the legacy wrote.
    assert set(classes) == VISIBLE - {"expired-is-recorded", "flag-means-accepted"}


def test_every_accepted_id_has_a_law_or_a_reason_to_have_none() -> None:
    accepted = load_accepted(DEPLOYMENTS / "accepted-differences.yaml")

    assert set(accepted) == VISIBLE | set(NOT_VISIBLE)


def test_what_the_owner_takes_out_of_the_file_is_accepted_no_more() -> None:
    ids = set(SETUP.comparator.accepted) - {"exactly-two-hours-before"}
    strict = Comparator(ids, SETUP.comparator.texts, SETUP.stores)

    wrong = [d for d in compared(EVENING, strict).differences if not d.explained]

    assert {d.aspect for d in wrong} == {"decision", "flags"}
    assert verdict(gathered(compared(EVENING, strict))) == NO_GO


def test_an_id_without_a_law_is_refused(tmp_path: pytest.TempPathFactory) -> None:
    path = DEPLOYMENTS / "accepted-differences.yaml"
    copy = tmp_path / "accepted.yaml"  # type: ignore[operator]
    copy.write_text(path.read_text("utf-8").replace("id: korean-time-always", "id: whatever"))
    with pytest.raises(Permanent, match="id 'whatever' has no law"):
        load_accepted(copy)


def test_the_legacy_does_not_differ_from_itself() -> None:
    assert against_itself(EVENING, SETUP.legacy, SETUP.comparator) == 0


def test_a_booking_that_changed_between_two_readings_is_noise() -> None:
    later = one_run(0, moments()[0])
    raws = [dict(raw) for raw in later.confirmed]
    raws[0]["phone"] = "01099990000"
    number = f"{raws[0]['businessId']}_{raws[0]['bookingId']}"
    from dataclasses import replace

    assert changed_between(EVENING, replace(EVENING, confirmed=raws)) == {number}
    assert changed_between(EVENING, EVENING) == frozenset()


def test_a_store_that_was_left_out_is_in_neither_side() -> None:
    less = without(EVENING, ["1051707"])

    assert {store for store, _, _ in compared(less).decisions} == set(SETUP.stores) - {"1051707"}


def test_enough_without_a_difference_is_a_go_with_its_bound() -> None:
    found = gathered(WHOLE)
    assert verdict(found) == GO
    assert 2_000 < found.decisions == sum(map(found.decisions_of, SETUP.stores))


@pytest.mark.parametrize(
    ("found", "aa", "power", "expected"),
    [
        (gathered(WHOLE), None, None, NOT_ENOUGH),
        (gathered(WHOLE), 1, None, NO_GO),
        (gathered(WHOLE), 0, Power(50, ("one", "two")), NO_GO),
        (gathered(WHOLE), 0, Power(50, ("one",)), GO),
        (gathered(), 0, None, NOT_ENOUGH),
        (gathered(compared(without(EVENING, ["867589"]))), 0, None, NOT_ENOUGH),
    ],
    ids=["A/A not measured", "A/A not 0", "96 % caught", "98 % caught", "nothing", "a store less"],
)
def test_a_verdict_needs_all_of_its_proofs(
    found: Gathered, aa: int | None, power: Power | None, expected: str
) -> None:
    assert verdict(found, aa=aa, power=power) == expected


def test_there_are_fifty_wrong_systems_and_some_of_each_kind_are_seen() -> None:
    assert len(MUTANTS) >= 50
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)

    parity = compare(runs=1, mutants=6)

    assert parity.survivors == ()
    assert parity.unexplained == 0
