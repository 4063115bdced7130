"""The right to send one message once, and why it is not granted; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from naverplace.base.errors import BadResponse
from naverplace.domain.effects import RecordKey
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import LedgerEntry, attribute, read_record

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


@dataclass(frozen=True)
class Reclaimable:
    """The message was claimed once and freed again, so that it may be claimed from this state."""

    message: LedgerEntry


def interpret_claim(
    claim: Claim, old: Mapping[str, Any] | None
) -> Claim | ClaimRefused | Reclaimable:
    """Read what a conditional claim met: None (nothing, so it is written), or the item in its way.

    An empty item means that there was none. Raises BadResponse for a ledger that is no Map.
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
    return Reclaimable(found)


def next_try(refused: LedgerEntry) -> datetime | None:
    """Tell from when on a refused message may be tried again unchanged; None: at once."""
    if refused.state != MessageStatus.REFUSED or refused.refusals < 1 or refused.settled_at is None:
        return None  # freed since, by whatever else: that was no refusal
    doublings: int = 2 ** (min(refused.refusals, MAX_REFUSALS) - 1)
    return refused.settled_at + FIRST_BACK_OFF * doublings
