"""The stores' own items in table `session`, each changed by whoever saw it last."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any
from uuid import uuid4

from boto3.dynamodb.conditions import Attr

from naverplace.aws.state_table import StateTable
from naverplace.base.errors import Throttled
from naverplace.ledger.lease import PREFIX, StoreState, as_item, read_state

TRIES = 20  # of one change, while others change the same item
_MARK = "changed_by"


class StoreStateTable:
    """The states by store id; threads may share it."""

    def __init__(self, session: StateTable) -> None:
        self.session = session

    def read(self, store_ids: Iterable[str]) -> dict[str, StoreState]:
        """Read every store's state, empty where there is none; raises Transient, Permanent."""
        wanted = list(dict.fromkeys(store_ids))
        items = self.session.get_many(PREFIX + store_id for store_id in wanted)
        return {store_id: _read(store_id, items.get(PREFIX + store_id)) for store_id in wanted}

    def change(self, store_id: str, edit: Callable[[StoreState], StoreState]) -> StoreState:
        """Change a store's state by `edit`, again from the start when somebody was faster.

        Raises what `edit` raises, with nothing written; Throttled when others never let go.
        """
        seen = self.read([store_id])[store_id]
        for _ in range(TRIES):
            wanted = edit(seen)
            if wanted == seen:
                return seen
            wanted = replace(wanted, version=seen.version + 1)
            mark = uuid4().hex
            unchanged = Attr("version").eq(seen.version)
            found = self.session.table.put(
                {**as_item(wanted), _MARK: mark},
                condition=unchanged if seen.version else Attr("version").not_exists(),
            )
            # botocore repeats a write whose answer was lost, and then meets its own first try.
            if found is None or found.get(_MARK) == mark:
                return wanted
            seen = _read(store_id, found)
        raise Throttled(f"store {store_id}: its item was changed by others {TRIES} times")


def _read(store_id: str, values: dict[str, Any] | None) -> StoreState:
    kept = {name: value for name, value in (values or {}).items() if name != _MARK}
    return read_state(store_id, kept)
