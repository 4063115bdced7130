"""What one message goes through in the ledger: its states, and every allowed way between them.

The picture in docs/architecture.md is made from TRANSITIONS; every write of a state asserts it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class MessageStatus(StrEnum):
    """Where one message stands."""

    OWED = "owed"  # nothing of it has reached the provider
    CLAIMED = "claimed"  # a run is sending it, or died while it did
    ACCEPTED = "accepted"  # the provider took it
    REFUSED = "refused"  # the provider said no
    IN_DOUBT = "in_doubt"  # the provider may have taken it
    DELIVERED = "delivered"  # the phone has it
    FAILED = "failed"  # the provider took it and could not deliver it
    EXPIRED = "expired"  # its time is over, and it was never accepted


WITH_PROVIDER = (MessageStatus.ACCEPTED, MessageStatus.DELIVERED, MessageStatus.FAILED)


class Transition(NamedTuple):
    """One allowed way; `old` is None when the record had no entry of this kind."""

    old: MessageStatus | None
    new: MessageStatus
    when: str


_M = MessageStatus
TRANSITIONS = (
    Transition(None, _M.CLAIMED, "conditional write, before anything is sent"),
    Transition(None, _M.OWED, "a new record notes it for a later run; a moved booking needs it"),
    Transition(None, _M.ACCEPTED, "the legacy put a new item over ours while SENS said 202"),
    Transition(None, _M.EXPIRED, "its time is over, and no run reached it"),
    Transition(_M.CLAIMED, _M.ACCEPTED, "SENS said 202, or SENS's log holds it; the flag flips"),
    Transition(_M.CLAIMED, _M.OWED, "nothing reached SENS, or its run died and cannot send it"),
    Transition(_M.CLAIMED, _M.REFUSED, "SENS said no"),
    Transition(_M.CLAIMED, _M.IN_DOUBT, "no answer, or one that proves nothing"),
    Transition(_M.IN_DOUBT, _M.ACCEPTED, "SENS's log holds it"),
    Transition(_M.IN_DOUBT, _M.OWED, "certain not to be in SENS's log"),
    Transition(_M.OWED, _M.CLAIMED, "a later run"),
    Transition(_M.REFUSED, _M.CLAIMED, "a later run, with back-off, five times at most"),
    Transition(_M.OWED, _M.EXPIRED, "its time is over; named once in a report"),
    Transition(_M.REFUSED, _M.EXPIRED, "its time is over; named once in a report"),
    Transition(_M.EXPIRED, _M.EXPIRED, "the run that marked it died before its report"),
    Transition(_M.EXPIRED, _M.OWED, "the booking was moved, so there is time again"),
    Transition(_M.ACCEPTED, _M.DELIVERED, "SENS's log says so: a run, or the reconciliation"),
    Transition(_M.ACCEPTED, _M.FAILED, "SENS's log says so; never sent again to this number"),
)
_ALLOWED = {(transition.old, transition.new) for transition in TRANSITIONS}


def assert_transition(old: str | None, new: str) -> None:
    """Raise AssertionError, a defect of ours, when no entry may go from `old` to `new`."""
    if (old, new) not in _ALLOWED:
        raise AssertionError(f"the ledger allows no way from {old or 'nothing'} to {new}")
