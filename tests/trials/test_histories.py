"""The judge of histories, on good ones and on wrong ones that it must notice."""

from __future__ import annotations

import ast
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from naverplace.domain.message_status import TRANSITIONS
from sandbox.memory_dynamodb.app import MemoryAwsApp
from sandbox.server import Sandbox
from trials import histories
from trials.campaign.recorder import Recorder
from trials.histories import History, Moved, Taken

WAYS = frozenset((old, new) for old, new, _ in TRANSITIONS)
GUIDE = ("1051707_1", "010-0000-0001", "guide")
OTHER = ("1051707_2", "010-0000-0002", "guide")
GOOD = [
    Moved(GUIDE, "claimed", "a"),
    Moved(GUIDE, "owed", "a"),
    Moved(GUIDE, "claimed", "b"),
    Moved(GUIDE, "in_doubt", "b"),
    Moved(GUIDE, "accepted", "b", request_id="R1"),
    Moved(GUIDE, "delivered", "b", request_id="R1"),
]
TAKEN = [Taken("R1", "01000000001")]


def test_a_good_history_is_good() -> None:
    assert History(GOOD, TAKEN).judge(WAYS) == []


def test_what_is_in_doubt_at_the_end_may_have_been_taken_once() -> None:
    last = Taken("R2", "01000000002")
    moves = [*GOOD, Moved(OTHER, "claimed", "c"), Moved(OTHER, "in_doubt", "c")]

    assert History(moves, [*TAKEN, last]).judge(WAYS) == []
    (wrong,) = History(moves, [*TAKEN, last, replace(last, request_id="R3")]).judge(WAYS)
    assert "the ledger never knew of" in wrong


@pytest.mark.parametrize(
    ("moves", "taken", "wrong"),
    [
        ([], [], "nothing was judged"),
        ([*GOOD[:1], Moved(GUIDE, "claimed", "b")], [], "claimed by two at once"),
        ([*GOOD[:1], Moved(GUIDE, "accepted", "b", request_id="R1")], TAKEN, "two at once"),
        ([Moved(GUIDE, "in_doubt", "a")], [], "from nothing to in_doubt"),
        ([*GOOD[:4], Moved(GUIDE, "claimed", "c")], [], "from in_doubt to claimed"),
        ([*GOOD, Moved(GUIDE, "owed", "b")], TAKEN, "from delivered to owed"),
        (GOOD, [], "SENS never took it"),
        (GOOD, [*TAKEN, Taken("R2", "01000000001")], "the ledger never knew of"),
        (GOOD, [Taken("R1", "01000000002")], "went to another phone"),
        (
            [*GOOD, Moved(OTHER, "claimed", "c"), Moved(OTHER, "accepted", "c", request_id="R1")],
            TAKEN,
            "counts for 2 messages",
        ),
    ],
)
def test_a_wrong_history_is_noticed(moves: list[Moved], taken: list[Taken], wrong: str) -> None:
    assert any(wrong in line for line in History(moves, taken).judge(WAYS))


def test_only_what_an_item_changes_is_a_move() -> None:
    seen = History()
    item = {"booking_num": "1051707_1", "phone": "010-0000-0001", "confirm_sms": False}
    for state, token in [("claimed", "a"), ("claimed", "a"), ("owed", "a"), ("claimed", "b")]:
        seen.note_item({**item, "message_guide": {"state": state, "token": token}})

    assert [(move.state, move.token) for move in seen.moves] == [
        ("claimed", "a"),
        ("owed", "a"),
        ("claimed", "b"),
    ]


def test_a_moved_bookings_message_goes_on_under_another_name() -> None:
    seen = History(taken=[*TAKEN, Taken("R2", "01000000001")])
    item = {"booking_num": "1051707_1", "phone": "010-0000-0001"}
    first = {"state": "accepted", "token": "a", "request_id": "R1"}
    seen.note_item({**item, "message_guide": {"state": "claimed", "token": "a"}})
    seen.note_item({**item, "message_guide": first})
    seen.note_item({**item, "message_guide_at_1": first})
    for state in ("claimed", "accepted"):
        second = {"state": state, "token": "b", "request_id": "R2"}
        seen.note_item({**item, "message_guide_at_1": first, "message_guide": second})

    assert seen.judge(WAYS) == []


def test_the_judge_shares_no_code_with_the_library() -> None:
    source = ast.parse(Path(str(histories.__file__)).read_text("utf-8"))
    names = [node.module for node in ast.walk(source) if isinstance(node, ast.ImportFrom)]
    assert not [name for name in names if str(name).startswith(("naverplace", "sandbox"))]


def test_a_booking_that_is_moved_back_has_its_first_message_again() -> None:
    seen = History(taken=[*TAKEN, Taken("R2", "01000000001")])
    item = {"booking_num": "1051707_1", "phone": "010-0000-0001"}
    first = {"state": "delivered", "token": "a", "request_id": "R1"}
    second = {"state": "delivered", "token": "b", "request_id": "R2"}
    for state in ("claimed", "accepted", "delivered"):
        seen.note_item({**item, "message_guide": {**first, "state": state}})
    seen.note_item({**item, "message_guide_at_1": first})
    for state in ("claimed", "accepted", "delivered"):
        now = {**second, "state": state}
        seen.note_item({**item, "message_guide_at_1": first, "message_guide": now})
    seen.note_item({**item, "message_guide": first, "message_guide_at_2": second})

    assert seen.judge(WAYS) == []
    seen.note_item({**item, "message_guide": {**first, "token": "c"}})
    assert seen.judge(WAYS) == ["guide of booking 1051707_1 went from delivered to delivered"]


def test_every_write_over_http_is_in_the_history_of_a_campaigns_case() -> None:
    recorder = Recorder()
    with Sandbox("empty", aws=partial(MemoryAwsApp, recorder.make_tables)) as sandbox:
        assert recorder.judge(sandbox) == ["history: the history is empty: nothing was judged"]
        item = {"booking_num": "1051707_1", "phone": "010-0000-0001"}
        for state in ("claimed", "accepted"):
            entry = {"state": state, "token": "a", "request_id": "R1"}
            sandbox.put_sms_items([{**item, "message_guide": entry}])

        (wrong,) = recorder.judge(sandbox)
        assert wrong == "history: guide of booking 1051707_1 is accepted, and SENS never took it"
        sandbox.reset("empty")
        assert recorder.judge(sandbox) == ["history: the history is empty: nothing was judged"]
