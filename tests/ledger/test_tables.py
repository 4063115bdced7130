"""Tables `sms` and `session` on a real DynamoDB interface, over HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.stub import Stubber

from naverplace.aws.config import AwsSettings
from naverplace.aws.dynamodb import from_wire, open_dynamodb, to_wire
from naverplace.aws.table import StateTable
from naverplace.base.clock import SEOUL
from naverplace.base.errors import Permanent, ServiceUnavailable, Throttled
from naverplace.domain.effects import RecordKey
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import LedgerEntry, read_record
from naverplace.ledger.message_ledger import MAX_REFUSALS, Claim, ClaimRefused, MessageLedger
from naverplace.ledger.schema import check_protection, check_tables, create_tables
from naverplace.settings.loader import load_settings
from naverplace.settings.schema import Settings
from sandbox.faults import Fault
from sandbox.server import Sandbox

NOON = datetime(2025, 10, 22, 12, 0, tzinfo=SEOUL)
KEY = RecordKey("1051707_900000001", "010-0000-0001")


def item_of(key: RecordKey, **flags: bool) -> dict[str, Any]:
    return {
        "booking_num": key.booking_num,
        "phone": key.phone,
        "name": "김하나",
        "booking_time": "2025-10-22 15:30:00",
        "confirm_sms": False,
        "remind_sms": False,
        "option_sms": False,
        "option_time": "",
        **flags,
    }


def keys(count: int) -> list[RecordKey]:
    return [RecordKey(f"1051707_{n}", f"010-0000-{n:04}") for n in range(count)]


@pytest.fixture
def table(settings: Settings) -> MessageLedger:
    return MessageLedger(open_dynamodb(settings.aws), settings.aws.sms_table, wait=0)


@pytest.fixture
def hasty(settings: Settings) -> MessageLedger:
    """The table by a client that tries twice, so that nobody waits."""
    aws = settings.aws.model_copy(update={"attempts": 2})
    return MessageLedger(open_dynamodb(aws), aws.sms_table, wait=0)


@pytest.fixture
def claimed(table: MessageLedger) -> Claim:
    table.records.create(item_of(KEY))
    return claim_guide(table)


def acquire(
    table: MessageLedger, content: str = "hash", now: datetime = NOON
) -> Claim | ClaimRefused:
    entry = LedgerEntry(
        MessageStatus.CLAIMED, execution_id="run-1", claimed_at=now, content_hash=content
    )
    return table.claim(KEY, "guide", entry, flag="remind_sms")


def claim_guide(table: MessageLedger, content: str = "hash") -> Claim:
    claim = acquire(table, content)
    assert isinstance(claim, Claim)
    return claim


def test_records_are_read_in_batches_of_a_hundred(table: MessageLedger) -> None:
    rows: Any = [{"PutRequest": {"Item": to_wire(item_of(key))}} for key in keys(230)]
    for first in range(0, len(rows), 25):
        table.records.table.client.batch_write_item(RequestItems={"sms": rows[first : first + 25]})
    missing = RecordKey("1051707_none", "010-0000-9999")

    records = table.records.read([*keys(230), missing, *keys(5)])

    assert set(records) == set(keys(230))


def test_keys_that_dynamodb_leaves_out_are_asked_for_again(settings: Settings) -> None:
    client = open_dynamodb(settings.aws)
    table = MessageLedger(client, "sms")  # with the wait that runs have
    wire = [to_wire(key._asdict()) for key in keys(2)]
    with Stubber(client) as answers:
        answers.add_response(
            "batch_get_item",
            {
                "Responses": {"sms": [to_wire(item_of(keys(2)[0]))]},
                "UnprocessedKeys": {"sms": {"Keys": wire[1:], "ConsistentRead": True}},
            },
        )
        answers.add_response(
            "batch_get_item",
            {"Responses": {"sms": [to_wire(item_of(keys(2)[1]))]}, "UnprocessedKeys": {}},
            {"RequestItems": {"sms": {"Keys": wire[1:], "ConsistentRead": True}}},
        )

        assert set(table.records.read(keys(2))) == set(keys(2))


def test_keys_that_stay_unread_are_an_error_and_not_missing_records(settings: Settings) -> None:
    client = open_dynamodb(settings.aws)
    left = {"sms": {"Keys": [to_wire(KEY._asdict())]}}
    with Stubber(client) as answers:
        for _ in range(10):
            answers.add_response("batch_get_item", {"Responses": {}, "UnprocessedKeys": left})

        with pytest.raises(Throttled, match="1 keys stay unread"):
            MessageLedger(client, "sms", wait=0).records.read([KEY])


def test_a_record_is_created_once(table: MessageLedger) -> None:
    assert table.records.create(item_of(KEY), execution_id="run-1")
    assert not table.records.create(item_of(KEY, confirm_sms=True), execution_id="run-2")

    record = table.records.read([KEY])[KEY]
    assert not record.confirm_sms
    assert record.item["created_by"].startswith("run-1/")
    assert table.records.writes == 1


def test_of_many_threads_that_claim_a_message_one_wins(table: MessageLedger) -> None:
    table.records.create(item_of(KEY))

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: acquire(table), range(8)))

    assert sum(isinstance(claim, Claim) for claim in taken) == 1
    assert {claim.why for claim in taken if isinstance(claim, ClaimRefused)} == {"claimed"}


def test_of_many_threads_that_claim_a_freed_message_one_wins(
    table: MessageLedger, claimed: Claim
) -> None:
    table.release_claim(claimed, "SENS was away", now=NOON)

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: acquire(table), range(8)))

    assert sum(isinstance(claim, Claim) for claim in taken) == 1


def test_a_message_without_a_record_cannot_be_claimed(table: MessageLedger) -> None:
    assert acquire(table) == ClaimRefused("no_record")


def test_a_message_that_the_legacy_has_sent_cannot_be_claimed(table: MessageLedger) -> None:
    table.records.create(item_of(KEY, remind_sms=True))

    assert acquire(table) == ClaimRefused("flag_set")


def test_an_item_that_lacks_the_flag_can_be_claimed(table: MessageLedger) -> None:
    item = item_of(KEY)
    del item["remind_sms"]
    table.records.create(item)

    assert isinstance(acquire(table), Claim)


def test_an_acceptance_flips_the_legacys_flag_in_the_same_item(
    table: MessageLedger, claimed: Claim
) -> None:
    assert not table.records.read([KEY])[KEY].remind_sms

    assert table.accept(claimed, request_id="RS-1", now=NOON)

    record = table.records.read([KEY])[KEY]
    assert record.remind_sms
    assert not record.confirm_sms
    guide = record.messages["guide"]
    assert (guide.state, guide.request_id, guide.execution_id) == ("accepted", "RS-1", "run-1")


def test_an_acceptance_told_twice_is_recognised(table: MessageLedger, claimed: Claim) -> None:
    assert table.accept(claimed, request_id="RS-1", now=NOON)
    assert table.accept(claimed, request_id="RS-1", now=NOON)


def test_an_acceptance_is_recorded_in_an_item_that_the_legacy_has_overwritten(
    table: MessageLedger, claimed: Claim, settings: Settings
) -> None:
    client = open_dynamodb(settings.aws)
    client.put_item(TableName="sms", Item=to_wire(item_of(KEY, confirm_sms=True)))

    assert table.accept(claimed, request_id="RS-1", now=NOON)

    record = table.records.read([KEY])[KEY]
    assert record.remind_sms
    assert record.messages["guide"].state == MessageStatus.ACCEPTED


def test_an_acceptance_does_not_revive_a_deleted_item(
    table: MessageLedger, claimed: Claim, settings: Settings
) -> None:
    client = open_dynamodb(settings.aws)
    client.delete_item(TableName="sms", Key=to_wire(KEY._asdict()))

    assert not table.accept(claimed, request_id="RS-1", now=NOON)
    assert table.records.read([KEY]) == {}


def test_a_claim_that_was_freed_and_taken_again_is_nobody_elses(
    table: MessageLedger, claimed: Claim
) -> None:
    table.release_claim(claimed, "SENS was away", now=NOON)
    second = claim_guide(table)

    assert not table.accept(claimed, request_id="RS-1", now=NOON)
    assert not table.release_claim(claimed, "again", now=NOON)
    assert not table.mark_in_doubt(claimed, "again", now=NOON)
    assert second.message.attempt == 2
    assert table.accept(second, request_id="RS-2", now=NOON)


def test_a_message_in_doubt_is_not_free(table: MessageLedger, claimed: Claim) -> None:
    table.mark_in_doubt(claimed, "no answer came", now=NOON)

    blocked = acquire(table)

    assert isinstance(blocked, ClaimRefused)
    assert blocked.why == "in_doubt"
    assert blocked.message is not None
    assert blocked.message.reason == "no answer came"


def test_a_content_that_is_refused_again_and_again_is_given_up_until_it_changes(
    table: MessageLedger,
) -> None:
    table.records.create(item_of(KEY))
    for day in range(MAX_REFUSALS):
        now = NOON + timedelta(days=day)
        claim = acquire(table, now=now)
        assert isinstance(claim, Claim)
        table.release_claim(claim, "bad number", now=now, refused=True)

    blocked = acquire(table, now=NOON + timedelta(days=99))

    assert isinstance(blocked, ClaimRefused)
    assert blocked.why == "given_up"
    assert isinstance(acquire(table, content="mended"), Claim)


def test_an_outage_never_uses_the_attempts_up(table: MessageLedger) -> None:
    table.records.create(item_of(KEY))
    for _ in range(MAX_REFUSALS * 3):
        table.release_claim(claim_guide(table), "SENS was away", now=NOON)

    assert isinstance(acquire(table), Claim)


def test_a_flag_is_set_only_in_a_record_that_exists(table: MessageLedger) -> None:
    assert not table.records.set_flag(KEY, "remind_sms", True)
    table.records.create(item_of(KEY))

    assert table.records.set_flag(KEY, "remind_sms", True)
    assert table.records.read([KEY])[KEY].remind_sms


def test_any_word_can_be_a_kind(table: MessageLedger) -> None:
    table.records.create(item_of(KEY))
    kind = "new-year's #1: 새해"

    claim = table.claim(KEY, kind, LedgerEntry(MessageStatus.CLAIMED, claimed_at=NOON))

    assert isinstance(claim, Claim)
    assert table.accept(claim, request_id="RS-1", now=NOON)
    assert table.records.read([KEY])[KEY].messages[kind].state == MessageStatus.ACCEPTED


def test_the_legacys_own_attributes_survive_every_write(
    table: MessageLedger, claimed: Claim, settings: Settings
) -> None:
    table.accept(claimed, request_id="RS-1", now=NOON)

    answer = open_dynamodb(settings.aws).get_item(TableName="sms", Key=to_wire(KEY._asdict()))
    stored = from_wire(answer["Item"])

    expected = item_of(KEY, remind_sms=True)
    assert {name: stored[name] for name in expected} == expected
    assert read_record(stored).key == KEY


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("status:400", Throttled),
        ("status:429", Throttled),
        ("status:500", ServiceUnavailable),
        ("status:503", ServiceUnavailable),
        ("status:403", Permanent),
        ("drop_before", ServiceUnavailable),
        ("drop_after", ServiceUnavailable),
    ],
)
def test_a_record_that_cannot_be_read_is_an_error_and_never_a_new_booking(
    fault: str, error: type[Exception], world: Sandbox, hasty: MessageLedger
) -> None:
    hasty.records.create(item_of(KEY))
    world.world.faults.append(Fault("aws", "BatchGetItem", fault, times=None))

    with pytest.raises(error, match="table 'sms'"):
        hasty.records.read([KEY])


@pytest.mark.parametrize("fault", ["status:400", "status:503", "drop_before", "drop_after"])
def test_what_dynamodb_fails_at_once_is_tried_again_and_done_once(
    fault: str, world: Sandbox, hasty: MessageLedger
) -> None:
    for operation in ("BatchGetItem", "PutItem", "UpdateItem"):
        world.world.faults.append(Fault("aws", operation, fault))

    assert hasty.records.create(item_of(KEY))
    claim = claim_guide(hasty)
    world.world.faults.append(Fault("aws", "UpdateItem", fault))
    assert hasty.accept(claim, request_id="RS-1", now=NOON)

    assert hasty.records.read([KEY])[KEY].remind_sms
    assert hasty.records.writes == 3


def test_a_missing_table_is_an_error_that_says_what_to_do(settings: Settings) -> None:
    table = MessageLedger(open_dynamodb(settings.aws), "nowhere")

    with pytest.raises(Permanent, match="naverplace init-tables"):
        table.records.read([KEY])
    with pytest.raises(Permanent, match="naverplace init-tables"):
        acquire(table)


@pytest.mark.usefixtures("world")  # its credentials
def test_an_unreachable_dynamodb_is_an_error_and_never_not_found() -> None:
    aws = AwsSettings(endpoint_url="http://127.0.0.1:9", attempts=1)
    client = open_dynamodb(aws)

    with pytest.raises(ServiceUnavailable, match="not reached"):
        MessageLedger(client).records.read([KEY])
    with pytest.raises(ServiceUnavailable, match="not reached"):
        StateTable(client).get("1")


@pytest.mark.missing_in("memory", "sizes")
def test_no_item_is_too_large_to_be_read_and_one_that_is_too_large_is_never_half_written(
    table: MessageLedger,
) -> None:
    number, large = KEY.booking_num, {"large": "a" * 360_000}
    phones = [f"010-0000-{n:04}" for n in range(4)]
    for phone in phones:
        table.records.table.put({"booking_num": number, "phone": phone, **large})

    with pytest.raises(Permanent, match="ValidationException"):
        table.records.table.put({"booking_num": number, "phone": KEY.phone, "large": "a" * 420_000})

    # Each page of an answer ends at a megabyte, before what is projected or filtered is left out.
    assert [item["phone"] for item in table.records.table.query("booking_num", number)] == phones
    scanned = table.records.table.scan(ProjectionExpression="phone")
    assert {"phone": {"S": phones[-1]}} in list(scanned)
    assert len(table.records.read([RecordKey(number, phone) for phone in phones])) == len(phones)


def test_a_session_is_read_as_it_was_written(settings: Settings) -> None:
    table = StateTable(open_dynamodb(settings.aws), settings.aws.session_table)
    table.put({"id": "2", "cookies": "[]"})
    table.update("2", {"saved_by": "run-1", "cookies": None, "times": 3})
    table.update("2", {"times": None})

    assert table.get("2") == {"id": "2", "saved_by": "run-1"}
    assert table.get("3") is None


@pytest.mark.missing_in("memory", "a description of tables")
@pytest.mark.missing_in("dynalite", "backups, encryption")
def test_tables_are_created_as_the_legacy_reads_them_and_only_once(settings: Settings) -> None:
    aws = settings.aws.model_copy(update={"sms_table": "sms-new", "session_table": "session-new"})
    assert len(check_tables(aws)) == 2

    assert create_tables(aws) == ["sms-new", "session-new"]
    assert create_tables(aws) == []

    assert check_tables(aws) == []
    client = open_dynamodb(aws)
    made = client.describe_table(TableName="sms-new")["Table"]
    assert made["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert made["SSEDescription"]["Status"] == "ENABLED"
    assert made["DeletionProtectionEnabled"]
    backups = client.describe_continuous_backups(TableName="sms-new")
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"


@pytest.mark.missing_in("dynalite", "backups")
def test_protection_that_one_call_could_not_set_is_set_by_the_next(
    settings: Settings, world: Sandbox
) -> None:
    aws = settings.aws.model_copy(update={"sms_table": "sms-new", "session_table": "session-new"})
    unready = Fault(
        "aws",
        match="UpdateContinuousBackups",
        kind="status:400",
        value="ContinuousBackupsUnavailableException",
        times=1,
    )
    world.world.faults.append(unready)
    create_tables(aws)  # it waits until AWS is ready
    assert check_protection(aws) == []

    client = open_dynamodb(aws)
    client.update_table(TableName="sms-new", DeletionProtectionEnabled=False)
    assert check_protection(aws) == ["table 'sms-new' has no protection against deletion"]
    assert create_tables(aws) == ["sms-new: protection against deletion"]
    assert check_protection(aws) == []


def test_a_table_with_other_keys_is_named_as_wrong(settings: Settings) -> None:
    aws = settings.aws.model_copy(update={"sms_table": "session", "session_table": "sms"})

    problems = check_tables(aws)

    assert len(problems) == 2
    assert all("the legacy's are" in problem for problem in problems)


def test_a_mistyped_table_is_answered_with_those_that_there_are(world_env: dict[str, str]) -> None:
    mistyped = {**world_env, "NAVERPLACE_AWS__SMS_TABLE": "smss"}

    (problem,) = check_tables(load_settings(env=mistyped, env_file=None).aws)

    assert problem == "table 'smss' is missing; did you mean 'sms'?"
