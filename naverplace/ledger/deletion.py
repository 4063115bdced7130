"""Taking old personal data out of the tables, each item only if it is still as it was seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from naverplace.aws.dynamodb import failed_condition, from_wire, to_wire, translated
from naverplace.aws.state_table import StateTable
from naverplace.domain.message_kinds import KINDS
from naverplace.domain.records import Record, attribute
from naverplace.ledger.lease import PREFIX as STORE
from naverplace.ledger.lease import StoreState
from naverplace.ledger.scan import LedgerScan
from naverplace.ledger.store_state_table import StoreStateTable

_LEDGERS = tuple(attribute(kind) for kind in KINDS)


class RecordDeletion(LedgerScan):
    """Table `sms`, read as a whole, and the one place that deletes a customer's item for its age.

    Who runs it needs a role of its own: the sender's may delete nothing (docs/aws.md).
    """

    def delete(self, record: Record) -> bool:
        """Delete a record's item; False, with nothing done, when somebody has changed it since."""
        seen = {n: v for n, v in record.item.items() if n not in ("booking_num", "phone", "name")}
        missing = [name for name in _LEDGERS if name not in seen]
        names = {f"#n{at}": name for at, name in enumerate([*seen, *missing])}
        conditions = [f"#n{at} = :v{at}" for at in range(len(seen))]
        conditions += [f"attribute_not_exists(#n{len(seen) + at})" for at in range(len(missing))]
        request: dict[str, Any] = {
            "TableName": self.name,
            "Key": to_wire(record.key._asdict()),
            "ConditionExpression": " AND ".join(["attribute_exists(booking_num)", *conditions]),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if names:
            request["ExpressionAttributeNames"] = names
        if seen:
            values = {f":v{at}": value for at, value in enumerate(seen.values())}
            request["ExpressionAttributeValues"] = to_wire(values)
        try:
            with translated(self.name):
                self.client.delete_item(**request)
        except ClientError as error:
            # None in the way: our own first try, whose answer was lost, or another's.
            return not failed_condition(error)
        return True


class AllStoreStates:
    """The items of all stores in table `session`, those of stores that are gone as well."""

    def __init__(self, session: StateTable) -> None:
        self.session, self.stores = session, StoreStateTable(session)

    def read(self) -> Iterator[StoreState]:
        """Read every store's item. Raises Transient, Permanent."""
        yield from self.stores.read(self._ids()).values()

    def _ids(self) -> list[str]:
        request: dict[str, Any] = {"TableName": self.session.name, "ProjectionExpression": "id"}
        found: list[str] = []
        while True:
            with translated(self.session.name):
                answer = self.session.client.scan(**request)
            found += [str(from_wire(item)["id"]) for item in answer["Items"]]
            if not answer.get("LastEvaluatedKey"):
                return [name.removeprefix(STORE) for name in found if name.startswith(STORE)]
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def delete_pending(self, store_id: str, *, before: datetime) -> int:
        """Drop what was noted as open before then; gives how many phones that were."""
        dropped: list[int] = []

        def drop(item: StoreState) -> StoreState:
            left = {message: at for message, at in item.open.items() if at >= before}
            dropped.append(len(item.open) - len(left))
            return replace(item, open=left)

        self.stores.change(store_id, drop)
        return dropped[-1]


def count_old_pending(item: StoreState, *, before: datetime) -> int:
    """Count a store's open messages that were noted before then."""
    return sum(at < before for at in item.open.values())
