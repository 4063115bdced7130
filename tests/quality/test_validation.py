"""The quality gates: what is broken never sends, is named, and stops nobody else."""

from __future__ import annotations

import gc
import json
import math
import os
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from naverplace.base.clock import SEOUL
from naverplace.quality import validation
from naverplace.quality.frames import to_bookings, to_frame
from naverplace.quality.validation import ValidatedStore, ValidationResult
from naverplace.settings.sections import QualitySettings
from sandbox.scenarios.build import load_scenario
from tests.quality.test_frames import raw
from trials.campaign.known_rows import learning_checkpoint

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2025, 10, 22, 14, 2, 15, tzinfo=SEOUL)
STORES = ("1051707", "951291")


def gate(raws: dict[str, list[Any]], **changes: Any) -> ValidationResult:
    frames = {
        store_id: to_frame(rows, store_id=store_id, fields=(), read_at=NOW)
        for store_id, rows in raws.items()
    }
    settings = QualitySettings(**changes)
    return validation.validate(frames, known_stores=STORES, now=NOW, settings=settings)


def check(*rows: Any, **changes: Any) -> ValidatedStore:
    return gate({"1051707": list(rows)}, **changes).stores[0]


def test_a_whole_booking_passes() -> None:
    checked = check(raw())

    assert (checked.rows, checked.quarantined, checked.stopped) == (1, (), False)
    assert len(to_bookings(checked.good)) == 1


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (raw(phone="010-12"), "phone: not a number that a text message can reach"),
        (raw(phone="0212345678"), "phone: not a number that a text message can reach"),
        (raw(phone="\ud83d"), "phone: not a number that a text message can reach"),
        (raw(phone=None), "phone: missing"),
        ("not even an object", "booking id: missing"),
        (raw(snapshot={"startDateTime": "2025-10-22T15:00:00"}), "start: missing, or not UTC"),
        (raw(snapshot={"startDateTime": "1970-01-01T00:00:00Z"}), "start: not between"),
        (raw(snapshot={"startDateTime": "0001-01-01T00:00:00Z"}), "start: not between"),
        (raw(snapshot={"startDateTime": "9999-12-31T23:59:59Z"}), "start: missing, or not UTC"),
        (raw(snapshot={"startDateTime": "2099-01-01T00:00:00Z"}), "start: not between"),
        (raw(bookingId=None), "booking id: missing"),
        (raw(bookingStatusCode="RC04"), "status: not one that was asked"),
        (raw(bookingStatusCode=None), "status: missing"),
        (raw(businessId=951291), "store: not the one that was asked"),
        (raw(businessId=999), "store: unknown"),
        (raw(businessId=None), "store: missing"),
    ],
)
def test_a_broken_row_is_quarantined_with_its_reason(broken: Any, reason: str) -> None:
    checked = check(broken, raw(bookingId=2), raw(bookingId=3))

    assert len(checked.quarantined) == 1
    assert any(found.startswith(reason) for found in checked.quarantined[0].reasons)
    assert [b.booking_id for b in to_bookings(checked.good)] == [2, 3]


def test_of_a_booking_that_stands_twice_in_one_list_the_first_is_kept() -> None:
    checked = check(raw(), raw(name="다른 이름"), raw(bookingId=2), raw())

    assert [q.reasons for q in checked.quarantined] == [
        ("booking id: stands twice in the list",)
    ] * 2
    assert [(b.booking_id, b.name) for b in to_bookings(checked.good)] == [
        (1000000001, "홍길동"),
        (2, "홍길동"),
    ]


def test_of_a_booking_that_stands_twice_the_broken_one_is_not_the_one_kept() -> None:
    checked = check(raw(phone="1"), raw(name="다른 이름"))

    assert [b.name for b in to_bookings(checked.good)] == ["다른 이름"]


@pytest.mark.parametrize("zone", ["UTC", None])
def test_a_start_on_another_zone_or_none_never_passes(zone: str | None) -> None:
    frame = to_frame([raw(), raw(bookingId=2)], store_id="1051707", fields=(), read_at=NOW)
    start = frame["start"].dt
    moved = start.tz_convert(zone) if zone else start.tz_localize(None)

    validated = validation.validate(
        {"1051707": frame.assign(start=moved)},
        known_stores=STORES,
        now=NOW,
        settings=QualitySettings(),
    )

    assert len(validated.stores[0].good) == 0
    for quarantined in validated.stores[0].quarantined:
        assert "start: not on Asia/Seoul" in quarantined.reasons


def test_a_booking_in_both_lists_is_no_duplicate() -> None:
    checked = check(raw(), raw(bookingStatusCode="RC08"))

    assert checked.quarantined == ()


def test_all_reasons_of_a_row_are_named() -> None:
    checked = check(raw(phone="1", snapshot={"startDateTime": None}))

    assert len(checked.quarantined[0].reasons) == 2


def test_a_store_with_too_many_bad_rows_is_stopped_and_the_others_go_on() -> None:
    bad = [raw(bookingId=n, phone="1") for n in range(2, 5)]
    good = [raw(bookingId=n) for n in range(5, 8)]
    other = [raw(businessId=951291)]

    first, second = gate({"1051707": [*bad, *good], "951291": other}).stores

    assert (first.stopped, second.stopped) == (True, False)
    assert first.reason == "3 of 6 bookings are broken, more than 30%"


def test_few_rows_never_stop_a_store() -> None:
    assert not check(raw(phone="1"), raw(bookingId=2, phone="1")).stopped


def test_stores_without_bookings_pass() -> None:
    checked = gate({"1051707": [], "951291": []}).stores

    assert [(c.rows, c.stopped, c.quarantined) for c in checked] == [(0, False, ())] * 2


def test_the_first_runs_broken_rows_are_found_and_no_others() -> None:
    scenario = load_scenario("first-run")
    frames = {
        store_id: to_frame(
            [b for b in raws if b.get("bookingStatusCode") in ("RC03", "RC08")],
            store_id=store_id,
            fields=(),
            read_at=NOW,
        )
        for store_id, raws in scenario.stores.items()
    }

    validated = validation.validate(
        frames, known_stores=list(scenario.stores), now=scenario.now, settings=QualitySettings()
    )

    quarantined = [q for checked in validated.stores for q in checked.quarantined]
    assert len(quarantined) == scenario.expected["quarantined"]
    kinds = Counter(reason.partition(":")[0] for q in quarantined for reason in q.reasons)
    assert set(kinds) == {"phone", "start"}


def test_importing_the_module_does_not_import_great_expectations() -> None:
    program = "import sys, naverplace.pipeline.steps; print('great_expectations' in sys.modules)"

    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout

    assert shown.strip() == "False"


@pytest.fixture(scope="module")
def alone() -> dict[str, Any]:
    """What a process saw in which a booking was validated."""
    program = """
import json, sys
asked = []
def watch(event, args):
    if event in ("socket.connect", "socket.getaddrinfo"):
        asked.append(str(args))
sys.addaudithook(watch)
from naverplace.quality import checkpoint_process
from tests.quality.test_validation import check, raw
checkpoint_process.import_checkpoint()
check(raw())
heavy = [name for name in ("scipy.stats._stats_py", "altair.vegalite") if name in sys.modules]
seen = {"asked": asked, "heavy": heavy}
from great_expectations.expectations.core import expect_column_kl_divergence_to_be_less_than as kl
entropy = float(kl.stats.entropy([0.5, 0.5]))
print(json.dumps({**seen, "entropy": entropy, "chart": kl.alt.Chart.__name__}))
"""
    shown = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "GX_ANALYTICS_ENABLED": "true"},
    ).stdout
    return dict(json.loads(shown))


def test_great_expectations_reports_nothing_to_its_makers(alone: dict[str, Any]) -> None:
    assert alone["asked"] == []


def test_what_no_expectation_of_ours_needs_is_loaded_when_asked_for(
    alone: dict[str, Any],
) -> None:
    assert alone["heavy"] == []
    assert alone["entropy"] == pytest.approx(math.log(2))
    assert alone["chart"] == "Chart"


def test_a_start_at_the_edge_of_the_plausible_range_passes() -> None:
    start = (NOW + timedelta(days=399)).astimezone(SEOUL)
    text = start.strftime("%Y-%m-%dT%H:%M:%SZ")

    assert check(raw(snapshot={"startDateTime": text, "endDateTime": None})).quarantined == ()


def test_neither_phone_nor_name_of_a_bad_row_is_kept_with_its_reasons() -> None:
    checked = check(raw(phone="010987654321234", name="비밀이름"), raw(bookingId=2))

    assert len(checked.quarantined) == 1
    assert "98765432" not in str(checked.quarantined)
    assert "비밀이름" not in str(checked.quarantined)


def test_threads_that_validate_at_once_each_get_their_own_verdicts() -> None:
    def refused(bad: int) -> int:
        rows = [raw(bookingId=n, phone="1" if n < bad else "01000000001") for n in range(20)]
        return len(check(*rows).quarantined)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(refused, range(8))) == list(range(8))


def test_a_run_leaves_nothing_behind_in_the_process() -> None:
    def left() -> int:
        gc.collect()
        return len(gc.get_objects())

    check(raw(phone="1"))
    first = left()
    for _ in range(5):
        check(raw(phone="1"))

    assert left() - first < 100  # a result kept by the library is thousands


def test_no_folder_is_left_in_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    gate({"1051707": [raw()]})

    assert list(tmp_path.iterdir()) == []


def test_a_number_that_gets_no_texts_stops_nobody_else() -> None:
    good = [raw(bookingId=n) for n in range(1, 4)]
    odd = [raw(bookingId=8, phone="02-312-0000"), raw(bookingId=9, phone="+1 202 555 0100")]

    checked = check(*good, *odd)
    broken = check(*good, raw(bookingId=8, phone="1"), raw(bookingId=9, phone="x"))

    assert (checked.stopped, len(checked.quarantined)) == (False, 2)
    assert all(row.phone.endswith("(gets no texts)") for row in checked.quarantined)
    assert (broken.stopped, len(broken.quarantined)) == (True, 2)


def test_broken_completed_bookings_do_not_stop_the_confirmed_ones() -> None:
    confirmed = [raw(bookingId=n) for n in range(1, 6)]
    completed = [raw(bookingId=n, bookingStatusCode="RC08", phone="1") for n in range(6, 16)]

    checked = check(*confirmed, *completed)

    assert (checked.stopped, len(checked.quarantined), len(checked.good)) == (False, 10, 5)


def test_an_end_that_cannot_be_is_not_known_and_costs_no_message() -> None:
    same = raw(snapshot={"endDateTime": raw()["snapshotJson"]["startDateTime"]})

    (booking,) = to_bookings(check(same).good)

    assert booking.end is None


def test_bookings_with_odd_names_are_named_while_they_are_ahead() -> None:
    names = ["김하나", "bit.ly/x 당첨", "가" * 1500]

    checked = check(*(raw(bookingId=n, name=name) for n, name in enumerate(names, 1)))

    assert checked.odd_names == ("2", "3")
    assert checked.quarantined == ()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows the checkpoint is asked about, each time that what learns its answers does."""
    asked: list[int] = []
    real = validation._refusals

    def counted(rows: Any, parameters: Any) -> Any:
        asked.append(len(rows))
        return real(rows, parameters)

    monkeypatch.setattr(validation, "_refusals", counted)
    monkeypatch.setattr(validation, "_refusals", learning_checkpoint())
    return asked


def test_the_checkpoint_is_asked_once_about_the_same_rows(asked: list[int]) -> None:
    assert check(raw()).quarantined == check(raw()).quarantined == ()
    assert asked == [1, 1]  # now, and in two days
    for bad in (raw(phone="010-12"), raw(), raw(phone="02-12")):  # the second stands there twice
        first, again = (check(raw(), bad).quarantined for _ in range(2))
        assert first == again
        assert len(first) == 1
    assert check(raw(), past_days=1).quarantined == ()  # other settings
    assert asked == [1, 1, 2, 2, 2, 2, 2, 2, 1, 1]


def test_sound_rows_are_known_among_others_and_refused_ones_are_not(asked: list[int]) -> None:
    other = raw(bookingId=2)
    assert check(raw(), other).quarantined == check(other).quarantined == ()
    assert asked == [2, 2]
    bad = raw(bookingId=2, phone="010-12")
    assert len(check(raw(), bad).quarantined) == len(check(bad).quarantined) == 1
    assert asked == [2, 2, 2, 2, 1, 1]


def test_an_answer_that_changes_within_two_days_is_asked_for_each_time(asked: list[int]) -> None:
    soon = NOW - timedelta(days=QualitySettings().past_days - 1)
    old = raw(snapshot={"startDateTime": f"{soon.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"})

    for _ in range(2):
        assert check(old).quarantined == ()

    assert asked == [1, 1, 1, 1]
