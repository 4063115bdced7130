"""Table `sms` as ledger: every message's moves, each by one conditional update."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from boto3.dynamodb.conditions import Attr

from naverplace.aws.table import all_of
from naverplace.base.errors import BadResponse
from naverplace.domain.effects import MarkExpired, MoveRecord, RecordKey
from naverplace.domain.message_status import MessageStatus, assert_transition
from naverplace.domain.records import (
    MOVED_FROM,
    PREFIX,
    RESERVED,
    LedgerEntry,
    attribute,
    read_record,
    reserved_since,
)
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.ledger.receipts import record_receipt
from naverplace.ledger.records_table import EXISTS, RecordsTable, Seen, entry_is
from naverplace.ledger.scan import LedgerMessage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


MAX_REFUSALS = 5  # of one content; changed content or a changed sender starts anew
FIRST_BACK_OFF = timedelta(minutes=9)  # doubles; less than the 20 minutes between two runs


@dataclass(frozen=True)
class Claim:
    """The right to send one message once; whoever holds it must accept, release or doubt it."""

    key: RecordKey = field(repr=False)
    kind: str
    message: LedgerEntry
    flag: str | None = None
    reserved_by: str = ""  # beside the legacy: its flag must be reserved since then, or before


@dataclass(frozen=True)
class ClaimRefused:
    """Why a message may not be sent now."""

    # no_record | flag_set | unreserved | reserved | given_up | backing_off | the message's state
    why: str
    message: LedgerEntry | None = None


def interpret_claim(
    claim: Claim, old: Mapping[str, Any] | None
) -> Claim | ClaimRefused | LedgerEntry:
    """Read what a conditional claim met: None (nothing, so it is written), or the item in its way.

    Gives the entry in the way when that was freed again, so that the message may be claimed from
    there. An empty item means that there was none. Raises BadResponse for a ledger that is no Map.
    """
    if old is None:
        return claim
    if not old:
        return ClaimRefused("no_record")
    found = read_record(old).messages.get(claim.kind)
    if found and (found.token, found.state) == (claim.message.token, MessageStatus.CLAIMED):
        return claim  # our own first try, whose answer was lost
    if claim.flag and old.get(claim.flag) is True:
        return ClaimRefused("flag_set", found)
    if claim.flag and claim.reserved_by and (found is None or found.may_be_claimed):
        since = read_record(old).reserved.get(claim.flag)
        if not since or since > claim.reserved_by:
            return ClaimRefused("reserved" if since else "unreserved", found)
    if found is None:
        name = attribute(claim.kind)
        raise BadResponse(f"booking {claim.key.booking_num}: {name} of its item is no Map")
    if not found.may_be_claimed:
        return ClaimRefused(found.state, found)
    unchanged = found.content_hash == claim.message.content_hash
    if found.refusals >= MAX_REFUSALS and unchanged:
        return ClaimRefused("given_up", found)
    again = next_try(found)
    if again and unchanged and claim.message.claimed_at and claim.message.claimed_at < again:
        return ClaimRefused("backing_off", found)
    return found


def next_try(refused: LedgerEntry) -> datetime | None:
    """Tell from when on a refused message may be tried again unchanged; None: at once."""
    if refused.state != MessageStatus.REFUSED or refused.refusals < 1 or refused.settled_at is None:
        return None  # freed since, by whatever else: that was no refusal
    doublings: int = 2 ** (min(refused.refusals, MAX_REFUSALS) - 1)
    return refused.settled_at + FIRST_BACK_OFF * doublings


class MessageLedger:
    """The ledger in table `sms`, with its records; threads may share it."""

    def __init__(self, client: DynamoDBClient, name: str = "sms", *, wait: float = 0.05) -> None:
        self.records = RecordsTable(client, name, wait=wait)

    def claim(
        self,
        key: RecordKey,
        kind: str,
        entry: LedgerEntry,
        *,
        flag: str | None = None,
        reserved_by: str = "",
    ) -> Claim | ClaimRefused:
        """Take the right to send this message, or tell why it may not be sent now.

        `entry`, in state `claimed`, is written with a token of its own. With `reserved_by` only
        when the flag is reserved since then or before: beside the legacy.
        """
        wanted = replace(entry, token=uuid4().hex)
        claim = Claim(key, kind, wanted, flag, reserved_by)
        met = interpret_claim(claim, self._try_claim(claim, None))
        if isinstance(met, LedgerEntry):
            refusals = met.refusals if met.content_hash == entry.content_hash else 0
            again = replace(wanted, attempt=met.attempt + 1, refusals=refusals)
            claim = replace(claim, message=again)
            met = interpret_claim(claim, self._try_claim(claim, (met.token, met.state)))
        if isinstance(met, LedgerEntry):  # claimed and released by somebody else since we looked
            return ClaimRefused(MessageStatus.CLAIMED, met)
        self.records.count_write(isinstance(met, Claim))
        return met

    def accept(self, claim: Claim, *, request_id: str, now: datetime) -> bool:
        """Record the provider's acceptance and flip the legacy's flag in the same update.

        Tells False when the claim is not ours any more.
        """
        accepted = replace(
            claim.message, state=MessageStatus.ACCEPTED, request_id=request_id, settled_at=now
        )
        old = self._write_end(claim, accepted)
        if old is not None and attribute(claim.kind) not in old:
            # The legacy put a new item over ours (L11, L15); the message was sent all the same.
            old = self._write_end(claim, accepted, overwritten=True)
        return self.records.count_write(old is None)

    def release_claim(
        self, claim: Claim, reason: str, *, now: datetime, refused: bool = False
    ) -> bool:
        """Free the claim: nothing was accepted. A refusal of the content itself is counted.

        Tells False when another run has resolved it.
        """
        state = MessageStatus.REFUSED if refused else MessageStatus.OWED
        refusals = claim.message.refusals + refused
        return self._end(claim, state, now, refusals=refusals, reason=reason)

    def mark_in_doubt(self, claim: Claim, reason: str, *, now: datetime) -> bool:
        """Record that only the provider's log can tell whether the message was accepted."""
        return self._end(claim, MessageStatus.IN_DOUBT, now, reason=reason)

    def mark_accepted_by_log(self, claim: Claim, found: SmsLogEntry, *, now: datetime) -> bool:
        """Record that the provider's log holds this message in doubt: it was accepted.

        Tells False when another run has resolved it.
        """
        return self._end(
            claim,
            MessageStatus.ACCEPTED,
            now,
            request_id=found.request_id,
            message_id=found.message_id,
            provider_status=found.status,
            reason="found in SENS's log",
        )

    def record_receipt(self, message: LedgerMessage, found: SmsLogEntry, *, run_id: str) -> bool:
        """Record what became of an accepted message; False when somebody else tells it."""
        moved = record_receipt(self.records.table, message, found, run_id=run_id)
        return self.records.count_write(moved)

    def expire(self, effect: MarkExpired, *, execution_id: str, now: datetime) -> bool:
        """Record that a message's time is over, and that it was never accepted.

        Tells False when its ledger or flag is not as the decision saw it.
        """
        wanted = LedgerEntry(
            state=MessageStatus.EXPIRED,
            token=uuid4().hex,
            execution_id=execution_id,
            due=effect.due,
            expires=effect.expires,
            for_start=effect.for_start,
            reason=effect.reason,
            settled_at=now,
        )
        claim = Claim(effect.key, effect.kind, wanted, effect.flag)
        old = self._try_claim(claim, effect.seen)
        return self.records.count_write(old is None or _holds(old, claim.kind, wanted))

    def move(self, effect: MoveRecord) -> bool:
        """Bring a record to its booking's new start, if it is still as the decision saw it."""
        _assert_moved_entries(effect)
        conditions = [EXISTS, Attr("booking_time").eq(effect.old_time)]
        conditions += [entry_is(n.removeprefix(PREFIX), seen) for n, seen in effect.seen.items()]
        conditions += [
            Attr(flag).eq(True) if is_set else _is_unset(flag)
            for flag, is_set in effect.flags.items()
        ]
        old = self.records.table.update(
            effect.key._asdict(), effect.sets, removes=effect.removes, condition=all_of(conditions)
        )
        # Our own first try, whose answer was lost, has left the new time behind.
        done = old is None or all(old.get(name) == value for name, value in effect.sets.items())
        return self.records.count_write(done)

    def _try_claim(self, claim: Claim, seen: Seen) -> dict[str, Any] | None:
        """Claim a message that has no entry, or whose entry is still the very one that was seen."""
        assert_transition(seen[1] if seen else None, claim.message.state)
        conditions = [EXISTS, entry_is(claim.kind, seen)]
        if claim.flag and claim.reserved_by:
            conditions.append(Attr(claim.flag).eq(RESERVED))
            conditions.append(Attr(reserved_since(claim.flag)).lte(claim.reserved_by))
        elif claim.flag:
            conditions.append(_is_unset(claim.flag))
        return self.records.table.update(
            claim.key._asdict(),
            {attribute(claim.kind): claim.message.as_map()},
            condition=all_of(conditions),
        )

    def _end(self, claim: Claim, state: MessageStatus, now: datetime, **parts: Any) -> bool:
        ended = replace(claim.message, state=state, settled_at=now, **parts)
        return self.records.count_write(self._write_end(claim, ended) is None)

    def _write_end(
        self, claim: Claim, ended: LedgerEntry, *, overwritten: bool = False
    ) -> dict[str, Any] | None:
        """Move a message on; None when it is written, else the item in the way ({} for none).

        With its acceptance the legacy's flag flips. An `overwritten` entry is not in its item.
        """
        seen = None if overwritten else (claim.message.token, claim.message.state)
        assert_transition(seen[1] if seen else None, ended.state)
        sets: dict[str, Any] = {attribute(claim.kind): ended.as_map()}
        removes: list[str] = []
        if claim.flag and ended.state == MessageStatus.ACCEPTED:
            sets[claim.flag] = True
            removes.append(reserved_since(claim.flag))
        old = self.records.table.update(
            claim.key._asdict(),
            sets,
            removes=removes,
            condition=EXISTS & entry_is(claim.kind, seen),
        )
        if old and _holds(old, claim.kind, ended):
            return None  # our own first try, whose answer was lost
        return old


def _is_unset(flag: str) -> Any:
    return Attr(flag).not_exists() | ~Attr(flag).eq(True)


def _holds(item: Mapping[str, Any], kind: str, wanted: LedgerEntry) -> bool:
    found = read_record(item).messages.get(kind) if item else None
    return found is not None and (found.token, found.state) == (wanted.token, wanted.state)


def _assert_moved_entries(effect: MoveRecord) -> None:
    """Assert the transitions of a move, which gives most entries only another name."""
    seen = {name: entry for name, entry in effect.seen.items() if entry}
    written = {
        name: (str(value.get("token", "")), str(value["state"]))
        for name, value in effect.sets.items()
        if name.startswith(PREFIX)
    }
    for name, entry in written.items():
        old = seen.get(name)
        if old in written.values():
            old = None  # it goes on under another name
        if entry not in seen.values() and MOVED_FROM not in name:
            assert_transition(old[1] if old else None, entry[1])
