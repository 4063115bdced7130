"""What can be told of a rule without a booking: in which ways it holds, and what excludes what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any, NamedTuple

from naverplace.domain.booking import BookingStatus
from naverplace.rules.parameters import COMPARISONS, compare_field
from naverplace.rules.rule_parser import Call, Condition

_MOST = 256  # ways that are looked at: nobody writes a rule with more
_HOURS = frozenset(range(24))


class Requirement(NamedTuple):
    """A condition that must hold, or must not."""

    call: Call
    holds: bool = True

    @property
    def meaning(self) -> tuple[str, str, bool]:
        """Say what it asks, alike for alike conditions."""
        parameters = sorted(self.call.parameters.items())
        return self.call.word, repr(parameters), self.holds


Way = tuple[Requirement, ...]


class Clash(NamedTuple):
    """Two claims that no booking meets at once."""

    first: Call
    second: Call


def ways_of(condition: Condition, *, holds: bool = True) -> list[Way]:
    """List the ways in which a condition holds (or does not); none when they are too many."""
    if isinstance(condition, Call):
        return [(Requirement(condition, holds),)]
    if condition.word == "not":
        return ways_of(condition.parts[0], holds=not holds)
    parts = [ways_of(part, holds=holds) for part in condition.parts]
    if (condition.word == "any") is holds:
        found = [way for ways in parts for way in ways] if all(parts) else []
        return found if len(found) <= _MOST else []
    count = 1
    for ways in parts:
        count *= len(ways)
    return [sum(chosen, ()) for chosen in product(*parts)] if 0 < count <= _MOST else []


def open_ways(ways: Sequence[Way], stores: Mapping[str, Any]) -> list[Way]:
    """Leave out the ways that nothing can ever go."""
    return [way for way in ways if find_clash(way, stores) is None]


def find_clash(way: Way, stores: Mapping[str, Any]) -> Clash | None:
    """Find two claims of a way that exclude each other."""
    for first, second in combinations(way, 2):
        if _excludes(first, second, stores) or _excludes(second, first, stores):
            return Clash(first.call, second.call)
    return None


def needs_completed(condition: Condition) -> bool:
    """Tell whether it holds for completed bookings only; False when that is not plain."""
    ways = ways_of(condition)
    return bool(ways) and all(any(_is_of_completed(one) for one in way) for way in ways)


def _is_of_completed(one: Requirement) -> bool:
    said = one.call.parameters.get("status", ())
    return one.holds and one.call.word == "booking_status" and [*said] == [BookingStatus.COMPLETED]


def hours_of(way: Way) -> frozenset[int]:
    """List the hours of the day at which a way can be gone."""
    hours = _HOURS
    for call, holds in way:
        if call.word == "current_hour":
            said = frozenset({call.parameters["hour"]})
            hours &= said if holds else _HOURS - said
    return hours


def _excludes(one: Requirement, other: Requirement, stores: Mapping[str, Any]) -> bool:
    word, said, theirs = one.call.word, one.call.parameters, other.call.parameters
    if one.meaning[:2] == other.meaning[:2] and one.holds != other.holds:
        return True
    if {_needs_record(one), _needs_record(other)} == {True, False}:
        return True
    if word == "time_before_booking" and one.holds and not other.holds:
        longer = other.call.word == word and theirs["hours"] >= said["hours"]
        return longer or other.call.word == "starts_in_future"
    if word != other.call.word:
        return False
    universe = _universe(word, stores)
    if universe:
        return not _values(one, universe) & _values(other, universe)
    if word == "date_range":
        return _days_exclude(one, other)
    return word == "field" and _fields_exclude(one, other)


def _needs_record(required: Requirement) -> bool | None:
    """Tell whether what is required needs a record in the table (True) or none (False)."""
    return {
        ("booking_in_db", True): True,
        ("booking_in_db", False): False,
        ("booking_not_in_db", True): False,
        ("booking_not_in_db", False): True,
        ("message_owed", True): True,
        ("flag_not_set", False): True,
    }.get((required.call.word, required.holds))


def _universe(word: str, stores: Mapping[str, Any]) -> frozenset[Any]:
    if word == "booking_status":
        return frozenset(status.value for status in BookingStatus)
    return {"store_is": frozenset(stores), "current_hour": _HOURS}.get(word, frozenset())


def _values(required: Requirement, universe: frozenset[Any]) -> frozenset[Any]:
    [said] = required.call.parameters.values()
    values = frozenset(said if isinstance(said, tuple) else (said,))
    return values if required.holds else universe - values


def _days_exclude(one: Requirement, other: Requirement) -> bool:
    said, theirs = one.call.parameters, other.call.parameters
    if one.holds and other.holds:
        return bool(said["end"] < theirs["start"] or theirs["end"] < said["start"])
    inside = theirs["start"] <= said["start"] and said["end"] <= theirs["end"]
    return one.holds and not other.holds and bool(inside)


def _fields_exclude(one: Requirement, other: Requirement) -> bool:
    """Tell whether no value of a field meets both; of a missing one `if_missing` answers."""
    said, theirs = one.call.parameters, other.call.parameters
    if said["name"] != theirs["name"] or (
        said["if_missing"] is one.holds and theirs["if_missing"] is other.holds
    ):
        return False
    [(mine, value)] = _comparison(said)
    [(its, limit)] = _comparison(theirs)
    if one.holds and mine in ("equals", "one_of"):
        values = value if mine == "one_of" else (value,)
        return not any(compare_field(v, its, limit) is other.holds for v in values)
    return (mine, its) == ("at_least", "at_most") and one.holds and other.holds and value > limit


def _comparison(said: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((name, said[name]) for name in COMPARISONS if said[name] is not None)
