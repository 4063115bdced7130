"""The kinds of messages that every store sends: one table, and all that is asked of it.

A rule may send further kinds (`once`, or its template's name); they have neither flag nor label.
"""

from __future__ import annotations

from typing import NamedTuple


class MessageKind(NamedTuple):
    """One kind of text message."""

    name: str
    flag: str  # of table `sms`: the legacy reads it, it flips with the acceptance (L11-L13)
    label: str  # as the owner reads it
    start_bound: bool = False  # the legacy sends it for one start of the booking (L12)


MESSAGE_KINDS = (  # in the order in which a booking's messages go out
    MessageKind("confirmation", "confirm_sms", "예약확정"),
    MessageKind("guide", "remind_sms", "안내", start_bound=True),
    MessageKind("event", "option_sms", "이벤트"),
)
KINDS = tuple(kind.name for kind in MESSAGE_KINDS)
FLAGS = tuple(kind.flag for kind in MESSAGE_KINDS)
FLAG_OF = dict(zip(KINDS, FLAGS, strict=True))
KIND_OF_FLAG = dict(zip(FLAGS, KINDS, strict=True))
START_BOUND_KINDS = tuple(kind.name for kind in MESSAGE_KINDS if kind.start_bound)
_LABELS = {kind.name: kind.label for kind in MESSAGE_KINDS}


def kind_label(kind: str) -> str:
    """Name a kind as the owner reads it; one of a rule's own is its own name."""
    return _LABELS.get(kind, kind)
