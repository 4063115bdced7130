"""Each line of what the legacy decides (L10-L18, L26): what it does, and what we do beside it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest

from naverplace.base.clock import SEOUL
from naverplace.domain.effects import RecordKey
from naverplace.migration.parity.comparison_run import replay
from naverplace.migration.parity.values import ComparedRun
from naverplace.pipeline.capture.inputs import Inputs
from sandbox.naver.bookings import PLAIN_OPTIONS, REVIEW_OPTIONS, Raw, a_booking
from trials.parity.setup import make_setup

SETUP = make_setup()
NOW = datetime(2025, 10, 22, 14, 2, tzinfo=SEOUL)
EVENING = NOW.replace(hour=20)
STORE, PHONE = "1051707", "01000000001"
CONFIRM, GUIDE, EVENT = "confirmation", "guide", "event"


class Case(NamedTuple):
    name: str
    ahead: float  # hours until the start
    flags: str | None  # of the item: c, r, o; None: no item
    legacy: tuple[str, ...]  # kinds that it sends
    new: tuple[str, ...]
    because: str = ""  # the accepted id, when the sides differ
    status: str = "RC03"
    now: datetime = NOW
    changes: Mapping[str, Any] = {}
    item_phone: str = "010-0000-0001"
    moved: float = 0.0  # hours between the item's start and Naver's
    option: str = PLAIN_OPTIONS[0]


BOTH = (CONFIRM, GUIDE)
CASES = (
    Case("L11 new, ahead", 5, None, (CONFIRM,), (CONFIRM,)),
    Case("L11 new, in its two hours", 1, None, BOTH, BOTH),
    Case("L11 new, at exactly two hours", 2, None, BOTH, BOTH),
    Case("L12 known, in its two hours", 1, "c", (GUIDE,), (GUIDE,)),
    Case("L12 known, ahead", 5, "c", (), ()),
    Case("L12 exactly two hours", 2, "c", (), (GUIDE,), "exactly-two-hours-before"),
    Case("L12 known, guided", 1, "cr", (), ()),
    Case("L12 unconfirmed, in its two hours", 1, "", BOTH, BOTH),
    Case("L12 unconfirmed, ahead", 5, "", (), (CONFIRM,), "owed-confirmation-goes-out-at-once"),
    Case("L12 at the start", 0, "c", (), ()),
    Case("L13 event", -4, "c", (EVENT,), (EVENT,), "", "RC08", EVENING, option=REVIEW_OPTIONS[0]),
    Case("L13 at another hour", -4, "c", (), (), "", "RC08", NOW, option=REVIEW_OPTIONS[0]),
    Case("L13 sent before", -4, "co", (), (), "", "RC08", EVENING, option=REVIEW_OPTIONS[0]),
    Case("L13 unknown", -4, None, (), (), "", "RC08", EVENING, option=REVIEW_OPTIONS[0]),
    Case("L13 of a day before", -40, "c", (EVENT,), (EVENT,), "", "RC08", EVENING,
         option=REVIEW_OPTIONS[1]),
    Case("L10 without one of the words", -4, "c", (), (), "", "RC08", EVENING),
    Case("L10 a word of it is enough", -4, "c", (EVENT,), (EVENT,), "", "RC08", EVENING,
         option="원본"),
    Case("L10 a phone of any length", 1, None, BOTH, (), "unfit-bookings-get-nothing",
         changes={"phone": "0100000"}),
    Case("L16 another phone is new", 1, "cr", BOTH, BOTH, item_phone="010-9999-0001"),
    Case("L16 another spelling is new", 1, "cr", BOTH, (), "one-number-in-two-spellings",
         item_phone="010--000-0-0001"),
    Case("L16 moved after its guide", 1, "cr", (), (), moved=24),
    Case("L26 unknown and past", -1, None, (CONFIRM,), (), "no-confirmation-after-the-start"),
)  # fmt: skip


def inputs_of(case: Case) -> Inputs:
    start = (case.now + timedelta(hours=case.ahead)).replace(second=0)
    raw: Raw = a_booking(
        STORE, 7, start, status=case.status, phone=PHONE, options=((case.option, 1),)
    ) | dict(case.changes)
    items = {}
    if case.flags is not None:
        told = start + timedelta(hours=case.moved)
        items[RecordKey(f"{STORE}_7", case.item_phone)] = {
            "booking_num": f"{STORE}_7",
            "phone": case.item_phone,
            "name": raw["name"],
            "booking_time": f"{told:%Y-%m-%d %H:%M:%S}",
            "confirm_sms": "c" in case.flags,
            "remind_sms": "r" in case.flags,
            "option_sms": "o" in case.flags,
            "option_time": "",
        }
    lists = ([raw], []) if case.status == "RC03" else ([], [raw])
    return Inputs("case", case.now, (STORE,), lists[0], lists[1], items)


def compared(case: Case) -> ComparedRun:
    (run,) = replay(
        [inputs_of(case)], new=SETUP.new(), legacy=SETUP.legacy, comparator=SETUP.comparator
    )
    return run.compared


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_both_sides_do_what_is_written(case: Case) -> None:
    found = compared(case)

    assert {key.kind for key in found.legacy.sends} == set(case.legacy)
    assert {key.kind for key in found.new.sends} == set(case.new)
    wrong = [d for d in found.differences if not d.explained]
    assert wrong == []
    decided = {d.because for d in found.differences if d.aspect == "decision"}
    assert decided == ({case.because} if case.because else set())


def test_l18_the_guide_comes_from_the_stores_own_number_and_the_others_from_the_default() -> None:
    case = CASES[1]
    found = compared(case)

    for side in (found.legacy, found.new):
        senders = {key.kind: messages[0].sender for key, messages in side.sends.items()}
        assert senders == {CONFIRM: "0310000000", GUIDE: "0310000001"}


def test_l20_the_legacy_tells_the_owner_once_a_run_and_the_new_side_collects() -> None:
    found = compared(CASES[0])

    assert (found.legacy.owner_texts, found.new.owner_texts) == (1, 0)
    (owner,) = (d for d in found.differences if d.aspect == "owner")
    assert owner.because == "owner-is-told-of-changes"
    assert found.legacy.told is not None
    assert [(line.kind, line.done) for line in found.legacy.told] == [(CONFIRM, True)]
