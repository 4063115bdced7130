"""What a run leaves for the watchdog survives the table, and is written when it says more."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from naverplace.aws.table import StateTable
from naverplace.base.clock import SEOUL
from naverplace.domain.due_messages import DUE, MOST, DueMessage, DueMessages, due_messages
from naverplace.domain.effects import RecordKey
from naverplace.ledger.run_memory import read_last_read, record_last_read
from naverplace.ledger.store_lock import StoreStateTable
from tests.memory_dynamodb import MemoryClient

NOW = datetime(2025, 10, 22, 14, 2, tzinfo=SEOUL)
HOUR = timedelta(hours=1)
MOMENTS = st.integers(0, 500).map(lambda minutes: NOW + timedelta(minutes=minutes))
MESSAGES = st.builds(
    DueMessage,
    st.integers(1, 9).map(lambda n: RecordKey(f"1051707_{n}", f"010-0000-000{n}")),
    st.sampled_from(("confirmation", "guide", "welcome_2025")),
    MOMENTS,
    st.none() | MOMENTS,
    st.sampled_from(("", "01000000777")),
)


def a_table() -> StoreStateTable:
    client: Any = MemoryClient({"session": {}, "sms": {}})
    return StoreStateTable(StateTable(client))


def guide(number: int = 1, *, due: datetime = NOW) -> DueMessage:
    return DueMessage(RecordKey(f"1051707_{number}", "010-0000-0001"), "guide", due, due + 2 * HOUR)


@given(st.lists(MESSAGES, max_size=5), st.booleans())
def test_what_is_due_survives_the_table(messages: list[DueMessage], by_legacy: bool) -> None:
    table, due = a_table(), due_messages(NOW, messages, by_legacy=by_legacy)

    table.write_due({"1051707": due})

    assert table.read_due(["1051707", "951291"]) == {"1051707": due}


def test_the_same_messages_are_not_written_again_but_where_the_legacy_sends() -> None:
    table, ours = a_table(), due_messages(NOW, [guide()])
    legacys = replace(ours, by_legacy=True)
    for due in (ours, legacys):
        later = replace(due, at=NOW + HOUR)
        table.write_due({"1051707": due})
        table.write_due({"1051707": later})
        expected = due if due is ours else later
        assert table.read_due(["1051707"])["1051707"] == expected


def test_an_item_keeps_what_is_due_first() -> None:
    many = [guide(number, due=NOW + timedelta(seconds=-number)) for number in range(MOST + 5)]

    due = due_messages(NOW, many)

    assert len(due.messages) == MOST
    assert due.messages[0] == many[-1]
    assert len(str(due.as_item("1051707"))) < 400_000


def test_each_run_notes_its_own_stores() -> None:
    table = a_table().session
    record_last_read(table, ["1", "2"], NOW)
    record_last_read(table, ["2"], NOW + HOUR)
    record_last_read(table, [], NOW + 2 * HOUR)

    assert read_last_read(table) == {"1": NOW, "2": NOW + HOUR}


def test_what_is_long_over_is_dropped_with_its_phone() -> None:
    table, old, young = a_table(), guide(1, due=NOW - 9 * HOUR), guide(2)
    table.write_due({"1051707": due_messages(NOW, [old, young])})

    assert table.delete_due("1051707", before=NOW) == 1
    assert table.read_all_due()["1051707"].messages == (young,)


def test_an_item_that_says_no_moment_says_nothing() -> None:
    table = a_table()
    table.session.put({"id": f"{DUE}1051707", "at": "soon", "messages": []})
    table.session.put(
        {"id": f"{DUE}951291", "at": NOW.isoformat(), "messages": [["1", "2", "3", "x", ""]]}
    )

    assert table.read_due(["1051707", "951291"]) == {"951291": DueMessages(NOW)}
