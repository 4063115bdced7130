"""Taking old personal data out of the tables, each item only if it is still as it was seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from boto3.dynamodb.conditions import Attr

from naverplace.aws.dynamodb import from_wire
from naverplace.aws.table import StateTable, all_of
from naverplace.domain.message_kinds import KINDS
from naverplace.domain.records import Record, attribute
from naverplace.ledger.records_table import EXISTS
from naverplace.ledger.scan import LedgerScan
from naverplace.ledger.store_lock import StoreStateTable
from naverplace.ledger.store_state import PREFIX as STORE
from naverplace.ledger.store_state import StoreState

_LEDGERS = tuple(attribute(kind) for kind in KINDS)


class RecordDeletion(LedgerScan):
    """Table `sms`, read as a whole, and the one place that deletes a customer's item for its age.

    Who runs it needs a role of its own: the sender's may delete nothing (docs/aws.md).
    """

    def delete(self, record: Record) -> bool:
        """Delete a record's item; False, with nothing done, when somebody has changed it since."""
        seen = {n: v for n, v in record.item.items() if n not in ("booking_num", "phone", "name")}
        conditions = [EXISTS, *(Attr(name).eq(value) for name, value in seen.items())]
        conditions += [Attr(name).not_exists() for name in _LEDGERS if name not in seen]
        old = self.table.delete(record.key._asdict(), condition=all_of(conditions))
        return not old  # {}: our own first try, whose answer was lost, or another's


class AllStoreStates:
    """The states of all stores in table `session`, those of stores that are gone as well."""

    def __init__(self, session: StateTable) -> None:
        self.session, self.stores = session, StoreStateTable(session)

    def read(self) -> Iterator[StoreState]:
        """Read every store's state. Raises Transient, Permanent."""
        items = self.session.table.scan(ProjectionExpression="id")
        ids = [str(from_wire(item)["id"]) for item in items]
        stores = [name.removeprefix(STORE) for name in ids if name.startswith(STORE)]
        yield from self.stores.read(stores).values()

    def delete_pending(self, store_id: str, *, before: datetime) -> int:
        """Drop what was noted as pending before then; gives how many phones that were."""
        dropped = 0

        def drop(state: StoreState) -> StoreState:
            nonlocal dropped
            dropped = count_old_pending(state, before=before)
            return replace(state, open={m: at for m, at in state.open.items() if at >= before})

        self.stores.change(store_id, drop)
        return dropped


def count_old_pending(state: StoreState, *, before: datetime) -> int:
    """Count a store's pending messages that were noted before then."""
    return sum(at < before for at in state.open.values())
