"""Which rows end the legacy's run: by example, and as the model itself says."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legacy.bookings import read_all
from legacy.death import Ended
from naverplace.migration.legacy_rows import fatal_reason, fatal_rows
from sandbox.naver.bookings import a_booking
from tests.examples import examples
from tests.rule_builders import STORE, at

ROW = a_booking(
    STORE, 920_000_001, at("2025-10-22 15:00"), options=[("네이버 리뷰", 1), ("인화", 2)]
)
GONE = object()
SNAPSHOT, OPTIONS = "snapshotJson", "bookingOptionJson"


def changed(*path: str | int, to: object) -> dict[str, Any]:
    row: Any = deepcopy(ROW)
    place = row
    for step in path[:-1]:
        place = place[step]
    if to is GONE:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    whole: dict[str, Any] = row
    return whole


@pytest.mark.parametrize(
    ("row", "why"),
    [
        *((changed(n, to=GONE), f"has no {n}") for n in ("phone", "name", "bookingId")),
        (changed("businessId", to=GONE), "has no businessId"),
        (changed("phone", to=None), "phone is null"),
        (changed("phone", to=1012345678), "phone is null or of another kind"),
        (changed(SNAPSHOT, to=GONE), "has no snapshotJson"),
        (changed(SNAPSHOT, to=None), "startDateTime is null or of another kind"),
        (changed(SNAPSHOT, "startDateTime", to=GONE), "has no startDateTime"),
        (changed(SNAPSHOT, "startDateTime", to=None), "startDateTime is null"),
        (changed(SNAPSHOT, "startDateTime", to="2025-10-22T05:00:00.000Z"), "is not written as"),
        (changed(SNAPSHOT, "startDateTime", to="9999-12-31T20:00:00Z"), "is not written as"),
        (changed(SNAPSHOT, OPTIONS, to=GONE), "has no bookingOptionJson"),
        (changed(SNAPSHOT, OPTIONS, to=None), "bookingOptionJson is null"),
        (changed(SNAPSHOT, OPTIONS, 1, "name", to=GONE), "has no name for its bookingOptionJson"),
        (
            changed(SNAPSHOT, OPTIONS, 1, "name", to=None),
            "bookingOptionJson is null or of another kind",
        ),
        ("text", "is null or of another kind"),
    ],
)
def test_a_row_that_the_legacy_cannot_read_is_named_with_its_reason(row: object, why: str) -> None:
    assert why in fatal_reason(row)


@pytest.mark.parametrize(
    "row",
    [
        ROW,
        changed("name", to=None),
        changed("phone", to=""),
        changed("phone", to=" +82 10 "),
        changed("bookingId", to=None),
        changed(SNAPSHOT, OPTIONS, to=[]),
        changed(SNAPSHOT, "startDateTime", to="1969-1-2T3:4:5Z"),
    ],
)
def test_what_looks_odd_and_is_read_all_the_same_is_not_fatal(row: object) -> None:
    assert fatal_reason(row) == ""


def test_a_row_is_told_by_store_booking_and_status_and_never_by_its_customer() -> None:
    rows = [ROW, changed("phone", to=None), changed("bookingId", to=GONE)]

    told = list(fatal_rows(rows, "RC03"))

    assert told == [
        f"store {STORE}: booking 920000001 (RC03): phone is null or of another kind",
        f"store {STORE}: a booking without an id (RC03): has no bookingId",
    ]
    (row,) = fatal_rows([changed("businessId", to=GONE)], "RC08", STORE)
    assert row.startswith(f"store {STORE}: ")


WRONG = st.sampled_from(
    [GONE, None, "", "x", 0, 7, True, [], {}, ["x"], {"x": 1}, "2025-10-22T05:00:00Z"]
)
PATHS = st.sampled_from(
    [
        *((name,) for name in ("phone", "name", "bookingId", "businessId", SNAPSHOT, "price")),
        *((SNAPSHOT, name) for name in ("startDateTime", OPTIONS, "couponJson")),
        *((SNAPSHOT, OPTIONS, index, "name") for index in (0, 1)),
    ]
)
STARTS = st.datetimes().map(lambda d: f"{d.year:04}-{d.month}-{d.day}T{d:%H:%M:%S}Z") | st.text()
ROWS = st.one_of(
    st.tuples(PATHS, WRONG).map(lambda drawn: changed(*drawn[0], to=drawn[1])),
    STARTS.map(lambda start: changed(SNAPSHOT, "startDateTime", to=start)),
)


def ends_the_run(answer: Any) -> bool:
    try:
        read_all(answer)
    except Ended:
        return True
    return False


@settings(deadline=None, max_examples=examples(4000))
@given(ROWS | WRONG)
def test_law_a_row_is_fatal_exactly_when_the_model_of_the_legacy_ends(row: Any) -> None:
    assert bool(fatal_reason(row)) == ends_the_run([ROW, row])
