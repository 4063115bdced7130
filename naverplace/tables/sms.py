"""Table `sms` as ledger: every message's moves, each by one conditional update."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from naverplace.claims import Claim, NotClaimed, Released, judge
from naverplace.effects import RecordKey
from naverplace.records import MessageState, State, attribute, from_item
from naverplace.tables.items import EXISTS, ItemTable

_FLAG_UNSET = "(attribute_not_exists(#flag) OR NOT #flag = :true)"


class SmsTable(ItemTable):
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

    def _try_claim(self, claim: Claim, seen: MessageState | None = None) -> dict[str, Any] | None:
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
        condition = f"{EXISTS} AND attribute_not_exists(#message)"
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
