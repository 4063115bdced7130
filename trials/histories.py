"""An independent judge of histories: what DynamoDB and SENS did, in their order.

It shares no code with the library. A history is good when claims are linearizable (between two
claims of one message the first was given back), when each message goes only the ways of the state
table, and when every acceptance of SENS belongs to one claim.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

MessageName = tuple[str, str, str]  # booking number, phone, kind
Ways = frozenset[tuple[str | None, str]]
HELD = ("claimed", "in_doubt")  # only the holder, or SENS's log, moves it on
GONE = "gone"  # its item, or its name in it
WITH_PROVIDER = ("accepted", "delivered", "failed")


@dataclass(frozen=True)
class Moved:
    """One write that changed a message's entry, in the order in which DynamoDB did them."""

    message: MessageName
    state: str
    token: str
    at: float = 0.0
    request_id: str = ""
    renamed: bool = False  # a moved booking's message goes on under another name


@dataclass(frozen=True)
class Taken:
    """One message that SENS took, by its request."""

    request_id: str
    phone: str  # digits
    at: float = 0.0


@dataclass
class History:
    """What was seen from outside, and what is wrong with it."""

    moves: list[Moved] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._last: dict[tuple[str, str], dict[str, Moved]] = {}  # by item and kind

    def note_item(self, item: Mapping[str, Any], at: float = 0.0) -> None:
        """Note an item of table `sms` after a write; what did not change is no move."""
        key = (str(item["booking_num"]), str(item["phone"]))
        before = self._last.get(key, {})
        now = {
            name.removeprefix("message_"): entry
            for name, entry in item.items()
            if name.startswith("message_") and isinstance(entry, Mapping) and "state" in entry
        }
        gone = {kind: move for kind, move in before.items() if kind not in now}
        moves = {}
        for kind, entry in now.items():
            state, token = str(entry["state"]), str(entry.get("token", ""))
            old = before.get(kind)
            if old and (old.state, old.token) == (state, token):
                moves[kind] = old
                continue
            request_id = str(entry.get("request_id", ""))
            # A move archives the message of the earlier start, and a move back fetches it again:
            # another name, the same claim.
            alike = (
                name
                for name, move in before.items()
                if name != kind and _base(name) == _base(kind)
                if (move.state, move.token) == (state, token)
            )
            was = next(alike, "")
            moves[kind] = Moved((*key, kind), state, token, at, request_id, bool(was))
            if was:
                gone.setdefault(was, moves[kind])
        self.moves += [Moved((*key, kind), GONE, "", at) for kind in gone]
        self.moves += [move for kind, move in moves.items() if before.get(kind) is not move]
        self._last[key] = moves

    def judge(self, ways: Ways, *, whole: bool = True) -> list[str]:
        """Say what is wrong; `whole` histories hold every acceptance that the ledger speaks of."""
        found = [*_wrong_ways(self.moves, ways), *_wrong_claims(self.moves)]
        if not self.moves:
            found.append("the history is empty: nothing was judged")
        return [*found, *_wrong_acceptances(self.moves, self.taken, whole)]


def _by_message(moves: Iterable[Moved]) -> Mapping[MessageName, Sequence[Moved]]:
    grouped: dict[MessageName, list[Moved]] = defaultdict(list)
    for move in moves:
        grouped[move.message].append(move)
    return grouped


def _wrong_ways(moves: Iterable[Moved], ways: Ways) -> Iterator[str]:
    """Find steps that the state table does not have."""
    for message, own in _by_message(moves).items():
        before: str | None = None
        for move in own:
            if move.state != GONE and not move.renamed and (before, move.state) not in ways:
                yield f"{_word(message)} went from {before or 'nothing'} to {move.state}"
            before = None if move.state == GONE else move.state


def _wrong_claims(moves: Iterable[Moved]) -> Iterator[str]:
    """Find claims that took a message out of another's hands: no order of claims explains them."""
    for message, own in _by_message(moves).items():
        for before, move in pairwise(own):
            if before.state in HELD and move.token != before.token:
                yield f"{_word(message)} was claimed by two at once"


def _wrong_acceptances(
    moves: Sequence[Moved], taken: Sequence[Taken], whole: bool
) -> Iterator[str]:
    """Compare the ledger's acceptances with SENS's, one to one."""
    of_request: dict[str, set[MessageName]] = defaultdict(set)
    requests: dict[MessageName, set[str]] = defaultdict(set)
    for move in moves:
        if move.state in WITH_PROVIDER and move.request_id:
            of_request[move.request_id].add(move.message)
            requests[move.message].add(move.request_id)
    for message, ids in requests.items():
        # A guide of a moved booking goes on under a name of its own, with its request.
        if len(ids) > 1 and message[2] != "guide":
            yield f"{_word(message)} was accepted {len(ids)} times"
    phones = {one.request_id: one.phone for one in taken}
    for request_id, messages in of_request.items():
        if len({message[:2] for message in messages}) > 1:
            yield f"one acceptance of SENS counts for {len(messages)} messages"
        if whole and request_id not in phones:
            yield f"{_word(min(messages))} is accepted, and SENS never took it"
        elif request_id in phones and phones[request_id] not in {_digits(m[1]) for m in messages}:
            yield f"{_word(min(messages))} went to another phone"
    if whole:
        in_doubt = _held_at_the_end(moves)
        for one in taken:
            if one.request_id in of_request:
                continue
            if not in_doubt[one.phone]:
                yield f"SENS took a message to …{one.phone[-4:]} that the ledger never knew of"
            in_doubt[one.phone] -= 1


def _held_at_the_end(moves: Sequence[Moved]) -> Counter[str]:
    """Count by phone what no run came to resolve: the ledger knows that SENS may have taken it."""
    last = {message: own[-1] for message, own in _by_message(moves).items()}
    return Counter(_digits(message[1]) for message, move in last.items() if move.state in HELD)


def _base(kind: str) -> str:
    return kind.partition("_at_")[0]


def _digits(phone: str) -> str:
    return "".join(filter(str.isdigit, phone))


def _word(message: MessageName) -> str:
    return f"{message[2]} of booking {message[0]}"
