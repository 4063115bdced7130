"""The world that every system under measurement meets: one scenario, one set of answer times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

from legacy.bookings import read
from sandbox.memory_dynamodb.app import MemoryAwsApp
from sandbox.request_log import Seen
from sandbox.server import Sandbox

# Seconds of each answer, as measured at the real services.
ANSWERS = {"partner": 0.5, "sens": 0.342, "telegram": 0.156, "slack": 0.203, "aws": 0.005}
# The answers of which each is needed before the next can be asked for: the session, the longest
# list's first look, count and pages; the followed messages, a send, the cross-check; the summary.
LONGEST_CHAIN = {"partner": 4, "sens": 3, "telegram": 1, "aws": 20}


def chain_seconds(answers: Mapping[str, float] = ANSWERS) -> float:
    """Tell how long the longest chain of answers takes, however much is asked at once."""
    return sum(answers[service] * count for service, count in LONGEST_CHAIN.items())


@contextmanager
def open_shop(answers: Mapping[str, float] = ANSWERS) -> Iterator[Sandbox]:
    """Open the first-run scenario with a live session; its tables cost the same at any size.

    What would end the legacy's run (L27) is left out, for both systems.
    """
    with Sandbox("first-run", aws=MemoryAwsApp) as sandbox:
        sandbox.log_in()
        for rows in sandbox.world.stores.values():
            rows[:] = [row for row in rows if _is_readable(row)]
        # The legacy asks for months at once, and in production it was answered.
        sandbox.world.booking_switches.max_range_days = None
        sandbox.world.requests.clear()
        sandbox.world.latency.update(answers)
        yield sandbox


def _is_readable(row: dict[str, Any]) -> bool:
    try:
        read(row)
    except (KeyError, TypeError, ValueError):
        return False
    return True


def asked(requests: Iterable[Seen], *services: str) -> list[Seen]:
    """List the requests to these services."""
    return [seen for seen in requests if seen.service in services]


def _moments(requests: Iterable[Seen]) -> list[tuple[float, int]]:
    begins = [(seen.at.timestamp(), 1) for seen in requests]
    return sorted(begins + [(seen.at.timestamp() + seen.seconds, -1) for seen in requests])


def at_once(requests: Sequence[Seen]) -> int:
    """Count the requests that were under way at the busiest moment."""
    return max(accumulate(change for _, change in _moments(requests)), default=0)


def waited(requests: Sequence[Seen]) -> float:
    """Count the seconds in which an answer was waited for, however many at once."""
    seconds, under_way, since = 0.0, 0, 0.0
    for moment, change in _moments(requests):
        if under_way:
            seconds += moment - since
        under_way, since = under_way + change, moment
    return seconds
