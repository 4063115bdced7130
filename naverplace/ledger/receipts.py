"""What became of an accepted message, written into its ledger entry; never back, never twice."""

from __future__ import annotations

from boto3.dynamodb.conditions import Attr

from naverplace.aws.table import Table
from naverplace.base.clock import format_utc
from naverplace.domain.message_status import MessageStatus, assert_transition
from naverplace.domain.records import attribute, read_record
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.ledger.scan import LedgerMessage


def record_receipt(
    table: Table, message: LedgerMessage, found: SmsLogEntry, *, run_id: str = ""
) -> bool:
    """Move `accepted` on to delivered or failed; a flag stays, for it was accepted.

    `run_id` names the run that tells it; none when the reconciliation does. Tells False when the
    entry is another one now, or somebody else tells it. The other parts of its Map stay.
    """
    state = MessageStatus(found.end)
    assert_transition(MessageStatus.ACCEPTED, state)
    name = attribute(message.kind)
    parts = {
        "state": state.value,
        "message_id": found.message_id,
        "provider_status": found.result,
        "ended_at": format_utc(found.end_time) if found.end_time else "",
        "followed_by": run_id,
    }
    old = table.update(
        message.key._asdict(),
        {(name, part): value for part, value in parts.items() if value},
        condition=Attr(f"{name}.state").eq(MessageStatus.ACCEPTED)
        & Attr(f"{name}.request_id").eq(message.request_id),
    )
    if old is None:
        return True
    now = read_record(old).messages.get(message.kind) if old else None
    # Ours, whose answer was lost, or another reconciliation's: it says the same.
    return now is not None and (now.state, now.request_id, now.message_id, now.followed_by) == (
        state,
        message.request_id,
        found.message_id,
        run_id,
    )
