"""The whole table `sms`, once a day: what is counted as sent, and what became of it.

A scan costs by what the table holds, not by what is asked for: half a read unit a KB, so 100,000
bookings of 1.5 KB are about 40,000 units, a few US cents. A projection would save none of them, and
none can name `message_*`, so each item is cut down here. Never part of the run every 20 minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from naverplace.aws.dynamodb import failed_condition, from_wire, to_wire, translated
from naverplace.base.retry import retry
from naverplace.domain.message_kinds import FLAGS
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import PREFIX, SINCE, LedgerEntry, Record, attribute, read_record
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
        self.client, self.name = client, name
        self._page = page  # items of one answer; None: as many as fit
        self._wait = wait  # seconds before a page is asked for again; doubles

    def scan(self) -> Iterator[Record]:
        """Read every record, without names, as of some moment after the call.

        Others may write meanwhile. A page that fails is asked for again by itself; raises Transient
        when it stays unreadable, Permanent.
        """
        request: dict[str, Any] = {"TableName": self.name, "ConsistentRead": True}
        if self._page:
            request["Limit"] = self._page
        while True:
            answer = retry(lambda: self._read(request), attempts=TRIES, wait=self._wait)
            for item in answer.get("Items", []):
                read = from_wire(
                    {n: v for n, v in item.items() if n in KEPT or n.startswith((PREFIX, SINCE))}
                )
                yield read_record(read)
            if not answer.get("LastEvaluatedKey"):
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _read(self, request: dict[str, Any]) -> Any:
        with translated(self.name):
            return self.client.scan(**request)

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
        names = ("state", "request_id", "message_id", "provider_status")
        try:
            with translated(self.name):
                self.client.update_item(
                    TableName=self.name,
                    Key=to_wire(entry.key._asdict()),
                    UpdateExpression="SET #m.#state = :state, #m.#message_id = :message_id, "
                    "#m.#provider_status = :result",
                    ConditionExpression="#m.#state = :accepted AND #m.#request_id = :request_id",
                    ExpressionAttributeNames={"#m": attribute(entry.kind)}
                    | {f"#{name}": name for name in names},
                    ExpressionAttributeValues=to_wire(
                        {
                            ":state": state,
                            ":message_id": message_id,
                            ":result": result,
                            ":accepted": MessageStatus.ACCEPTED,
                            ":request_id": entry.request_id,
                        }
                    ),
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as error:
            found = _found(failed_condition(error), entry.kind)
            # Ours, whose answer was lost, or another reconciliation's: it says the same.
            return found is not None and (found.state, found.request_id, found.message_id) == (
                state,
                entry.request_id,
                message_id,
            )
        return True


def _found(item: dict[str, Any] | None, kind: str) -> LedgerEntry | None:
    return read_record(item).messages.get(kind) if item else None
