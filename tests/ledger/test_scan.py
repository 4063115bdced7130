"""The scan of the whole table, and the moves from accepted to an end."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from naverplace.aws.dynamodb import open_dynamodb
from naverplace.base.clock import SEOUL, format_utc
from naverplace.base.errors import ServiceUnavailable
from naverplace.domain.effects import RecordKey
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import LedgerEntry, attribute
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.ledger.receipts import record_receipt
from naverplace.ledger.scan import KEPT, LedgerMessage, LedgerScan, entries_of
from naverplace.settings.schema import Settings
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.delivery_builders import item_of, key_of

AT = datetime(2025, 10, 22, 14, tzinfo=SEOUL)


@pytest.fixture
def table(settings: Settings) -> LedgerScan:
    return follow_table(settings)


def follow_table(settings: Settings) -> LedgerScan:
    aws = settings.aws.model_copy(update={"attempts": 1})
    return LedgerScan(open_dynamodb(aws), aws.sms_table, page=2, wait=0)


def an_item(number: int, **ledgers: LedgerEntry) -> dict[str, Any]:
    maps = {f"message_{kind}": message.as_map() for kind, message in ledgers.items()}
    return {**item_of(number), "remind_sms": True, **maps}


def accepted(request_id: str = "R1", **changes: Any) -> LedgerEntry:
    values: dict[str, Any] = {"content_hash": "c", "settled_at": AT, "token": "t", **changes}
    return LedgerEntry(MessageStatus.ACCEPTED, request_id=request_id, **values)


def only_entry(world: Sandbox, table: LedgerScan, message: LedgerEntry) -> LedgerMessage:
    world.put_sms_item(an_item(1, guide=message))
    (entry,) = (e for r in table.scan() for e in entries_of(r) if e.key == key_of(1))
    return entry


def ended(state: MessageStatus, result: str = "0") -> SmsLogEntry:
    return SmsLogEntry("R1", "M1", AT, "01000000001", end=state, end_time=AT, result=result)


def stored(world: Sandbox, number: int = 1) -> dict[str, Any]:
    return next(
        item for item in world.sms_items() if item["booking_num"] == key_of(number).booking_num
    )


def test_a_scan_reads_every_record_of_every_page(world: Sandbox, table: LedgerScan) -> None:
    for number in range(1, 8):
        world.put_sms_item(an_item(number, guide=accepted(f"R{number}")))

    keys = [record.key for record in table.scan()]

    assert len(keys) == len(set(keys)) == len(world.sms_items())
    assert {key_of(number) for number in range(1, 8)} <= set(keys)


def test_a_scan_gives_ledger_and_flags_and_no_name(world: Sandbox, table: LedgerScan) -> None:
    world.put_sms_item(an_item(1, guide=accepted()))

    record = next(record for record in table.scan() if record.key == key_of(1))

    assert record.messages["guide"].request_id == "R1"
    assert (record.remind_sms, record.confirm_sms) == (True, False)
    assert record.name == ""
    assert record.item.keys() == {*KEPT, attribute("guide")}


@pytest.mark.parametrize(
    "kind", ["status:500", "drop_before", "drop_after", "truncate", "truncate_text", "html"]
)
def test_a_page_that_fails_is_read_again_and_none_twice(
    world: Sandbox, table: LedgerScan, kind: str
) -> None:
    for number in range(1, 6):
        world.put_sms_item(an_item(number))
    world.world.faults.append(Fault("aws", match=".Scan", kind=kind, after=1))

    keys = [record.key for record in table.scan()]

    assert len(keys) == len(set(keys)) == len(world.sms_items())


def test_a_page_that_stays_unreadable_is_a_passing_fault(world: Sandbox, table: LedgerScan) -> None:
    world.world.faults.append(Fault("aws", match=".Scan", kind="status:500", times=None))

    with pytest.raises(ServiceUnavailable):
        list(table.scan())


@pytest.mark.parametrize("state", [MessageStatus.DELIVERED, MessageStatus.FAILED])
def test_an_accepted_message_is_moved_on_and_nothing_else_changes(
    world: Sandbox, table: LedgerScan, state: MessageStatus
) -> None:
    entry = only_entry(world, table, accepted(execution_id="run", attempt=2))
    before = stored(world)

    assert record_receipt(table.table, entry, ended(state, "0 ok"))

    news = {
        "state": state,
        "message_id": "M1",
        "provider_status": "0 ok",
        "ended_at": format_utc(AT),
    }
    assert stored(world) == {**before, "message_guide": {**before["message_guide"], **news}}


def test_a_move_whose_answer_was_lost_is_recognised(world: Sandbox, settings: Settings) -> None:
    table = LedgerScan(open_dynamodb(settings.aws), settings.aws.sms_table)  # boto3 repeats
    entry = only_entry(world, table, accepted())
    world.world.faults.append(Fault("aws", match=".UpdateItem", kind="drop_after"))

    assert record_receipt(table.table, entry, ended(MessageStatus.DELIVERED))
    assert stored(world)["message_guide"]["state"] == "delivered"


@pytest.mark.parametrize(
    "now",
    [
        {"state": "accepted", "request_id": "R2"},
        {"state": "claimed", "request_id": "R1"},
        {"state": "owed"},
        {"state": "failed", "request_id": "R1", "message_id": "M1"},
    ],
)
def test_a_message_that_is_another_one_now_is_left_alone(
    world: Sandbox, table: LedgerScan, now: dict[str, str]
) -> None:
    entry = only_entry(world, table, accepted())
    world.put_sms_item({**item_of(1), "message_guide": now})

    assert not record_receipt(table.table, entry, ended(MessageStatus.DELIVERED))
    assert stored(world)["message_guide"] == now


@pytest.mark.parametrize("left", ["an item of the legacy", "none"])
def test_a_message_whose_item_was_overwritten_or_deleted_is_left_alone(
    world: Sandbox, table: LedgerScan, left: str
) -> None:
    entry = only_entry(world, table, accepted())
    if left == "none":
        entry = LedgerMessage(
            RecordKey("1051707_1", "010-0000-0000"), "guide", entry.message, entry.to
        )
    else:
        world.put_sms_item(item_of(1))
    before = world.sms_items()

    assert not record_receipt(table.table, entry, ended(MessageStatus.FAILED, "3001"))
    assert world.sms_items() == before


def test_an_archived_guide_of_a_moved_booking_is_followed_too(
    world: Sandbox, table: LedgerScan
) -> None:
    kind = "guide_at_20251021T1530"
    world.put_sms_item(an_item(1, **{kind: accepted("R-old"), "guide": accepted("R-new")}))
    old = next(
        e for r in table.scan() for e in entries_of(r) if e.key == key_of(1) and e.kind == kind
    )

    assert record_receipt(table.table, old, ended(MessageStatus.DELIVERED))
    assert stored(world)[f"message_{kind}"]["state"] == "delivered"
    assert stored(world)["message_guide"]["state"] == "accepted"
