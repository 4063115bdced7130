"""Table `sms` as ledger: every message's moves, each by one conditional update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from naverplace.domain.effects import MarkExpired, MoveRecord, RecordKey
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import RESERVED, LedgerEntry, attribute, read_record, reserved_since
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.ledger.claims import Claim, ClaimRefused, Reclaimable, interpret_claim
from naverplace.ledger.records_table import EXISTS
from naverplace.ledger.reservations_table import ReservationsTable

_FLAG_UNSET = "(attribute_not_exists(#flag) OR NOT #flag = :true)"


class MessageLedger(ReservationsTable):
    """The table by booking number and phone; threads may share it."""

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
        for_start: datetime | None = None,
        epoch: int = 0,
        reserved_by: str = "",
    ) -> Claim | ClaimRefused:
        """Take the right to send this message, or tell why it may not be sent now.

        With `reserved_by` only when its flag is reserved since then or before: beside the legacy.
        """
        wanted = LedgerEntry(
            state=MessageStatus.CLAIMED,
            token=uuid4().hex,
            run_id=run_id,
            epoch=epoch,
            content_hash=content_hash,
            claimed_at=now,
            due=due,
            expires=expires,
            for_start=for_start,
        )
        claim = Claim(key, kind, wanted, flag, reserved_by)
        met = interpret_claim(claim, self._try_claim(claim))
        if isinstance(met, Reclaimable):
            seen = met.message
            same = seen.content_hash == content_hash
            again = replace(wanted, attempt=seen.attempt + 1, refusals=seen.refusals if same else 0)
            claim = replace(claim, message=again)
            met = interpret_claim(claim, self._try_claim(claim, seen))
        if isinstance(met, Reclaimable):  # claimed and released by somebody else since we looked
            return ClaimRefused(MessageStatus.CLAIMED, met.message)
        self._count(isinstance(met, Claim))
        return met

    def accept(self, claim: Claim, *, request_id: str, now: datetime) -> bool:
        """Record the provider's acceptance and flip the legacy's flag in the same update.

        Tells False when the claim is not ours any more.
        """
        settled = replace(
            claim.message, state=MessageStatus.ACCEPTED, request_id=request_id, settled_at=now
        )
        old = self._settle(claim, settled, flag=claim.flag)
        if old is None or attribute(claim.kind) in old:
            return self._count(old is None)
        # The legacy has put a new item over ours (L11, L15); the message was sent all the same.
        return self._count(self._settle(claim, settled, flag=claim.flag, lost=True) is None)

    def release_claim(
        self, claim: Claim, reason: str, *, now: datetime, refused: bool = False
    ) -> bool:
        """Free the claim: nothing was accepted. A refusal of the content itself is counted."""
        settled = replace(
            claim.message,
            state=MessageStatus.REFUSED if refused else MessageStatus.OWED,
            refusals=claim.message.refusals + refused,
            reason=reason,
            settled_at=now,
        )
        return self._count(self._settle(claim, settled) is None)

    def mark_in_doubt(
        self, claim: Claim, reason: str, *, now: datetime, request_id: str = ""
    ) -> bool:
        """Record that only the provider's log can tell whether the message was accepted."""
        settled = replace(
            claim.message,
            state=MessageStatus.IN_DOUBT,
            reason=reason,
            request_id=request_id,
            settled_at=now,
        )
        return self._count(self._settle(claim, settled) is None)

    def mark_accepted_by_log(self, claim: Claim, found: SmsLogEntry, *, now: datetime) -> bool:
        """Record that the provider's log holds this unsettled message: it was accepted.

        Tells False when somebody else has settled it.
        """
        settled = replace(
            claim.message,
            state=MessageStatus.ACCEPTED,
            request_id=found.request_id,
            message_id=found.message_id,
            provider_status=found.status,
            reason="found in SENS's log",
            settled_at=now,
        )
        return self._count(self._settle(claim, settled, flag=claim.flag) is None)

    def mark_never_sent(self, claim: Claim, reason: str, *, now: datetime) -> bool:
        """Record that this unsettled message never reached the provider; False as with adopt."""
        settled = replace(claim.message, state=MessageStatus.OWED, reason=reason, settled_at=now)
        return self._count(self._settle(claim, settled) is None)

    def expire(self, effect: MarkExpired, *, run_id: str, now: datetime) -> bool:
        """Record that a message's time is over, and that it was never accepted.

        Tells False when its ledger or flag is not as the decision saw it.
        """
        wanted = LedgerEntry(
            state=MessageStatus.EXPIRED,
            token=uuid4().hex,
            run_id=run_id,
            due=effect.due,
            expires=effect.expires,
            for_start=effect.for_start,
            reason=effect.reason,
            settled_at=now,
        )
        claim = Claim(effect.key, effect.kind, wanted, effect.flag)
        seen = LedgerEntry(state=effect.seen[1], token=effect.seen[0]) if effect.seen else None
        old = self._try_claim(claim, seen)
        return self._count(old is None or _is(old, claim.kind, wanted))

    def move(self, effect: MoveRecord) -> bool:
        """Bring a record to its booking's new start, if it is still as the decision saw it."""
        names, values = {"#time": "booking_time"}, {":old": effect.old_time}
        conditions = [EXISTS, "#time = :old"]
        for at, (name, seen) in enumerate(effect.seen.items()):
            names[f"#s{at}"] = name
            if seen is None:
                conditions.append(f"attribute_not_exists(#s{at})")
                continue
            conditions.append(f"#s{at}.#token = :t{at} AND #s{at}.#state = :s{at}")
            names |= {"#token": "token", "#state": "state"}
            values |= {f":t{at}": seen[0], f":s{at}": seen[1]}
        update, more = _assignments(effect.sets, effect.removes, names)
        conditions += _flags_as_seen(effect.flags, names, more)
        old = self._update(
            effect.key, update, " AND ".join(conditions), names=names, values={**values, **more}
        )
        # Our own first try, whose answer was lost, has left the new time behind.
        done = old is None or all(old.get(name) == value for name, value in effect.sets.items())
        return self._count(done)

    def _try_claim(self, claim: Claim, seen: LedgerEntry | None = None) -> dict[str, Any] | None:
        """Claim a message never claimed before, or one still in the very state that was seen."""
        names = {"#message": attribute(claim.kind)}
        values: dict[str, Any] = {":claim": claim.message.as_map()}
        conditions = [EXISTS]
        if seen:
            conditions.append("#message.#token = :seen AND #message.#state = :state")
            names |= {"#token": "token", "#state": "state"}
            values |= {":seen": seen.token, ":state": seen.state}
        else:
            conditions.append("attribute_not_exists(#message)")
        if claim.flag and claim.reserved_by:
            conditions.append("#flag = :reserved AND #since <= :by")
            names |= {"#flag": claim.flag, "#since": reserved_since(claim.flag)}
            values |= {":reserved": RESERVED, ":by": claim.reserved_by}
        elif claim.flag:
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
        self, claim: Claim, settled: LedgerEntry, *, flag: str | None = None, lost: bool = False
    ) -> dict[str, Any] | None:
        """Move a message on; None when it is written, else the item in the way ({} for none)."""
        names = {"#message": attribute(claim.kind)}
        values: dict[str, Any] = {":settled": settled.as_map()}
        update = "SET #message = :settled"
        if flag:
            update += ", #flag = :true REMOVE #since"
            names |= {"#flag": flag, "#since": reserved_since(flag)}
            values[":true"] = True
        condition = f"{EXISTS} AND attribute_not_exists(#message)"
        if not lost:
            condition = "#message.#token = :token AND #message.#state = :from"
            names |= {"#token": "token", "#state": "state"}
            values |= {":token": claim.message.token, ":from": claim.message.state}
        old = self._update(claim.key, update, condition, names=names, values=values)
        if old and _is(old, claim.kind, settled):
            return None  # our own first try, whose answer was lost
        return old


def _is(item: Mapping[str, Any], kind: str, wanted: LedgerEntry) -> bool:
    found = read_record(item).messages.get(kind) if item else None
    return found is not None and (found.token, found.state) == (wanted.token, wanted.state)


def _assignments(
    sets: Mapping[str, Any], removes: Sequence[str], names: dict[str, str]
) -> tuple[str, dict[str, Any]]:
    """Word an update, adding its names to `names`; returns it with its values."""
    values: dict[str, Any] = {}
    parts: list[str] = []
    for at, (name, value) in enumerate(sets.items()):
        names[f"#n{at}"], values[f":n{at}"] = name, value
        parts.append(f"#n{at} = :n{at}")
    update = f"SET {', '.join(parts)}"
    names.update({f"#r{at}": name for at, name in enumerate(removes)})
    gone = ", ".join(f"#r{at}" for at in range(len(removes)))
    return f"{update} REMOVE {gone}" if gone else update, values


def _flags_as_seen(
    flags: Mapping[str, bool], names: dict[str, str], values: dict[str, Any]
) -> list[str]:
    conditions = []
    for at, (flag, is_set) in enumerate(flags.items()):
        names[f"#f{at}"], values[":set"] = flag, True
        as_set = f"#f{at} = :set"
        conditions.append(as_set if is_set else f"(attribute_not_exists(#f{at}) OR NOT {as_set})")
    return conditions
