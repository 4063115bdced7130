"""Table `sms`: the legacy's flags and the ledger of every message, moved by conditional updates.

botocore repeats a write whose answer was lost. The repeated condition then fails although the
first try succeeded, so each conditional write carries a token of its own and looks for it in the
item that stood in its way.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import ClientError

from naverplace.claims import Claim, NotClaimed, Released, judge
from naverplace.effects import RecordKey
from naverplace.errors import Throttled
from naverplace.records import MessageState, Record, State, attribute, from_item
from naverplace.tables.dynamodb import failed_condition, from_wire, to_wire, translated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BATCH = 100  # keys of one BatchGetItem, DynamoDB's limit
CREATED_BY = "created_by"
_EXISTS = "attribute_exists(booking_num)"
_FLAG_UNSET = "(attribute_not_exists(#flag) OR NOT #flag = :true)"


class SmsTable:
    """The table by booking number and phone; threads may share it."""

    def __init__(self, client: DynamoDBClient, name: str = "sms", *, wait: float = 0.05) -> None:
        self.client, self.name = client, name
        self.writes = 0  # that this client knows to have succeeded
        self._wait = wait  # seconds before keys that DynamoDB left out are asked for again; doubles
        self._lock = Lock()

    def _count(self, written: bool) -> bool:
        with self._lock:
            self.writes += written
        return written

    def read(self, keys: Iterable[RecordKey]) -> dict[RecordKey, Record]:
        """Read the records that exist; any read error is raised, never 'not found' (L15)."""
        todo = iter(dict.fromkeys(keys))
        found: dict[RecordKey, Record] = {}
        while batch := list(islice(todo, BATCH)):
            for item in self._read_batch(batch):
                record = from_item(item)
                found[record.key] = record
        return found

    def _read_batch(self, keys: Sequence[RecordKey]) -> list[dict[str, Any]]:
        wanted: list[Any] = [to_wire(key._asdict()) for key in keys]
        items: list[dict[str, Any]] = []
        wait = self._wait
        for _ in range(10):
            with translated(self.name):
                answer = self.client.batch_get_item(
                    RequestItems={self.name: {"Keys": wanted, "ConsistentRead": True}}
                )
            items += [from_wire(item) for item in answer["Responses"].get(self.name, [])]
            left = answer.get("UnprocessedKeys", {}).get(self.name)
            if not left:
                return items
            wanted = list(left["Keys"])
            time.sleep(wait)
            wait = min(wait * 2, 5.0)
        raise Throttled(f"DynamoDB, table {self.name!r}: {len(wanted)} keys stay unread")

    def create(self, item: Mapping[str, Any], *, run_id: str = "") -> bool:
        """Write a new record; tell False and change nothing when there is one already."""
        mark = f"{run_id}/{uuid4().hex}"
        try:
            with translated(self.name):
                self.client.put_item(
                    TableName=self.name,
                    Item=to_wire({**item, CREATED_BY: mark}),
                    ConditionExpression="attribute_not_exists(booking_num)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as error:
            return self._count((failed_condition(error) or {}).get(CREATED_BY) == mark)
        return self._count(True)

    def claim(
        self,
        key: RecordKey,
        kind: str,
        *,
        run_id: str,
        now: datetime,
        flag: str | None = None,
        content_hash: str = "",
        due: datetime | None = None,
        expires: datetime | None = None,
    ) -> Claim | NotClaimed:
        """Take the right to send this message, or tell why it may not be sent now."""
        wanted = MessageState(
            state=State.CLAIMED,
            token=uuid4().hex,
            run_id=run_id,
            content_hash=content_hash,
            claimed_at=now,
            due=due,
            expires=expires,
        )
        claim = Claim(key, kind, wanted, flag)
        met = judge(claim, self._try_claim(claim))
        if isinstance(met, Released):
            seen = met.message
            same = seen.content_hash == content_hash
            again = replace(wanted, attempt=seen.attempt + 1, refusals=seen.refusals if same else 0)
            claim = replace(claim, message=again)
            met = judge(claim, self._try_claim(claim, seen))
        if isinstance(met, Released):  # claimed and released by somebody else since we looked
            return NotClaimed(State.CLAIMED, met.message)
        self._count(isinstance(met, Claim))
        return met

    def accept(self, claim: Claim, *, request_id: str, now: datetime) -> bool:
        """Record the provider's acceptance and flip the legacy's flag in the same update.

        Tells False when the claim is not ours any more.
        """
        settled = replace(
            claim.message, state=State.ACCEPTED, request_id=request_id, settled_at=now
        )
        old = self._settle(claim, settled, flag=claim.flag)
        if old is None or attribute(claim.kind) in old:
            return self._count(old is None)
        # The legacy has put a new item over ours (L11, L15); the message was sent all the same.
        return self._count(self._settle(claim, settled, flag=claim.flag, lost=True) is None)

    def release(self, claim: Claim, reason: str, *, now: datetime, refused: bool = False) -> bool:
        """Free the claim: nothing was accepted. A refusal of the content itself is counted."""
        settled = replace(
            claim.message,
            state=State.REFUSED if refused else State.OWED,
            refusals=claim.message.refusals + refused,
            reason=reason,
            settled_at=now,
        )
        return self._count(self._settle(claim, settled) is None)

    def doubt(self, claim: Claim, reason: str, *, now: datetime, request_id: str = "") -> bool:
        """Record that only the provider's log can tell whether the message was accepted."""
        settled = replace(
            claim.message,
            state=State.IN_DOUBT,
            reason=reason,
            request_id=request_id,
            settled_at=now,
        )
        return self._count(self._settle(claim, settled) is None)

    def set_flag(self, key: RecordKey, flag: str, value: bool) -> bool:
        """Set a flag of an existing record; tell False when there is no record."""
        old = self._update(
            key,
            "SET #flag = :value",
            _EXISTS,
            names={"#flag": flag},
            values={":value": value},
        )
        return self._count(old is None)

    def _try_claim(self, claim: Claim, seen: MessageState | None = None) -> dict[str, Any] | None:
        """Claim a message never claimed before, or one still in the very state that was seen."""
        names = {"#message": attribute(claim.kind)}
        values: dict[str, Any] = {":claim": claim.message.as_map()}
        conditions = [_EXISTS]
        if seen:
            conditions.append("#message.#token = :seen AND #message.#state = :state")
            names |= {"#token": "token", "#state": "state"}
            values |= {":seen": seen.token, ":state": seen.state}
        else:
            conditions.append("attribute_not_exists(#message)")
        if claim.flag:
            conditions.append(_FLAG_UNSET)
            names["#flag"] = claim.flag
            values[":true"] = True
        return self._update(
            claim.key,
            "SET #message = :claim",
            " AND ".join(conditions),
            names=names,
            values=values,
        )

    def _settle(
        self, claim: Claim, settled: MessageState, *, flag: str | None = None, lost: bool = False
    ) -> dict[str, Any] | None:
        """Move our claim on; None when it is written, else the item in the way ({} for none)."""
        names = {"#message": attribute(claim.kind)}
        values: dict[str, Any] = {":settled": settled.as_map()}
        update = "SET #message = :settled"
        if flag:
            update += ", #flag = :true"
            names["#flag"] = flag
            values[":true"] = True
        condition = f"{_EXISTS} AND attribute_not_exists(#message)"
        if not lost:
            condition = "#message.#token = :token AND #message.#state = :claimed"
            names |= {"#token": "token", "#state": "state"}
            values |= {":token": claim.message.token, ":claimed": State.CLAIMED}
        old = self._update(claim.key, update, condition, names=names, values=values)
        if old:
            seen = from_item(old).messages.get(claim.kind)
            if seen and (seen.token, seen.state) == (settled.token, settled.state):
                return None  # our own first try, whose answer was lost
        return old

    def _update(
        self,
        key: RecordKey,
        update: str,
        condition: str,
        *,
        names: Mapping[str, str],
        values: Mapping[str, Any],
    ) -> dict[str, Any] | None:
        """Update on a condition; None when written, else the item in the way ({} for none)."""
        try:
            with translated(self.name):
                self.client.update_item(
                    TableName=self.name,
                    Key=to_wire(key._asdict()),
                    UpdateExpression=update,
                    ConditionExpression=condition,
                    ExpressionAttributeNames=names,
                    ExpressionAttributeValues=to_wire(values),
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as error:
            return failed_condition(error) or {}
        return None
