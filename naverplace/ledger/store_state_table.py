"""The stores' own items in table `session`, each changed by whoever saw it last."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import islice
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from naverplace.aws.dynamodb import failed_condition, to_wire, translated
from naverplace.aws.state_table import StateTable
from naverplace.base.errors import Throttled
from naverplace.ledger.lease import PREFIX, StoreState, as_item, from_item

TRIES = 20  # of one change, while others change the same item
_MARK = "changed_by"


class StoreStateTable:
    """The items by store id; threads may share it."""

    def __init__(self, session: StateTable) -> None:
        self.session = session

    def read(self, store_ids: Iterable[str]) -> dict[str, StoreState]:
        """Read every store's item, empty where there is none; raises Transient, Permanent."""
        wanted = iter(dict.fromkeys(store_ids))
        found: dict[str, StoreState] = {}
        while batch := list(islice(wanted, 100)):
            items = self.session.get_many(PREFIX + store_id for store_id in batch)
            for store_id in batch:
                found[store_id] = _read(store_id, items.get(PREFIX + store_id))
        return found

    def change(self, store_id: str, edit: Callable[[StoreState], StoreState]) -> StoreState:
        """Change a store's item by `edit`, again from the start when somebody was faster.

        Raises what `edit` raises, with nothing written; Throttled when others never let go.
        """
        seen = self.read([store_id])[store_id]
        for _ in range(TRIES):
            wanted = edit(seen)
            if wanted == seen:
                return seen
            wanted = replace(wanted, version=seen.version + 1)
            found = self._put(wanted, after=seen.version)
            if found is None:
                return wanted
            seen = _read(store_id, found)
        raise Throttled(f"store {store_id}: its item was changed by others {TRIES} times")

    def _put(self, item: StoreState, *, after: int) -> dict[str, Any] | None:
        """Write the item over that version of it; None when written, else what stands there."""
        client, name, mark = self.session.client, self.session.name, uuid4().hex
        try:
            with translated(name):
                client.put_item(
                    TableName=name,
                    Item=to_wire({**as_item(item), _MARK: mark}),
                    **_while_it_is(after),
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as error:
            found = failed_condition(error) or {}
            # botocore repeats a write whose answer was lost, and then meets its own first try.
            return None if found.get(_MARK) == mark else found
        return None


def _while_it_is(version: int) -> Any:
    """Write the condition that nobody has changed the item; 0 is that of none."""
    names = {"#version": "version"}
    if not version:
        condition = {"ConditionExpression": "attribute_not_exists(#version)"}
        return {**condition, "ExpressionAttributeNames": names}
    return {
        "ConditionExpression": "#version = :seen",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": to_wire({":seen": version}),
    }


def _read(store_id: str, values: dict[str, Any] | None) -> StoreState:
    kept = {name: value for name, value in (values or {}).items() if name != _MARK}
    return from_item(store_id, kept)
