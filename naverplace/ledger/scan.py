"""The whole table `sms`, once a day: what is counted as sent, and what became of it.

A scan costs by what the table holds, not by what is asked for: half a read unit a KB, so 100,000
bookings of 1.5 KB are about 40,000 units, a few US cents. A projection would save none of them, and
none can name `message_*`, so each item is cut down here. Never part of the run every 20 minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr

from naverplace.aws.dynamodb import from_wire
from naverplace.aws.table import Table
from naverplace.domain.message_kinds import FLAGS
from naverplace.domain.message_status import MessageStatus, assert_transition
from naverplace.domain.records import PREFIX, SINCE, Record, attribute, read_record
from naverplace.ledger.entries import LedgerMessage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TRIES = 3  # of one page, on top of boto3's own
KEPT = ("booking_num", "phone", "booking_time", *FLAGS)


class LedgerScan:
    """Table `sms`, read as a whole, and moved on from `accepted` only."""

    def __init__(
        self, client: DynamoDBClient, name: str = "sms", *, page: int | None = None, wait: float = 1
    ) -> None:
        self.table = Table(client, name)
        self._page = page  # items of one answer; None: as many as fit
        self._wait = wait  # seconds before a page is asked for again; doubles

    def scan(self) -> Iterator[Record]:
        """Read every record, without names, as of some moment after the call.

        Others may write meanwhile. A page that fails is asked for again by itself; raises Transient
        when it stays unreadable, Permanent.
        """
        limit: dict[str, Any] = {"Limit": self._page} if self._page else {}
        for item in self.table.scan(attempts=TRIES, wait=self._wait, ConsistentRead=True, **limit):
            kept = {n: v for n, v in item.items() if n in KEPT or n.startswith((PREFIX, SINCE))}
            yield read_record(from_wire(kept))

    def record_delivery(self, entry: LedgerMessage, *, message_id: str, result: str) -> bool:
        """Record that the phone has the message; tell False when the entry is another one now."""
        return self._move(entry, MessageStatus.DELIVERED, message_id, result)

    def record_failure(self, entry: LedgerMessage, *, message_id: str, result: str) -> bool:
        """Record that the message could not be delivered; its flag stays, for it was accepted."""
        return self._move(entry, MessageStatus.FAILED, message_id, result)

    def _move(
        self, entry: LedgerMessage, state: MessageStatus, message_id: str, result: str
    ) -> bool:
        """Move `accepted` on; the parts of the Map that are not named here stay as they are."""
        assert_transition(MessageStatus.ACCEPTED, state)
        name = attribute(entry.kind)
        parts = {"state": state, "message_id": message_id, "provider_status": result}
        old = self.table.update(
            entry.key._asdict(),
            {(name, part): value for part, value in parts.items()},
            condition=Attr(f"{name}.state").eq(MessageStatus.ACCEPTED)
            & Attr(f"{name}.request_id").eq(entry.request_id),
        )
        if old is None:
            return True
        found = read_record(old).messages.get(entry.kind) if old else None
        # Ours, whose answer was lost, or another reconciliation's: it says the same.
        return found is not None and (found.state, found.request_id, found.message_id) == (
            state,
            entry.request_id,
            message_id,
        )
