"""The judgement of a tick that many workers shared: phones, and the requests as Naver saw them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sandbox.request_log import Seen
from sandbox.server import Sandbox
from trials.scale.chain import Chain, kind_of


@dataclass(frozen=True)
class Judgement:
    """What the outside world saw."""

    messages: int
    duplicates: int
    lost: int
    unowed: int
    limit_exceeded: int  # requests that began while as many as allowed were under way
    peaks: dict[str, int]  # most requests of a service at one moment

    @property
    def good(self) -> bool:
        """Tell whether nothing is wrong."""
        return not (self.duplicates or self.lost or self.unowed or self.limit_exceeded)


def judge(chain: Chain, sandbox: Sandbox, limits: dict[str, int]) -> Judgement:
    """Judge by phones and requests; `limits` are by the sandbox's name of a service."""
    seen = Counter((m["to"], kind_of(m)) for m in sandbox.messages())
    owed = chain.owed()
    under_way = {name: _under_way(sandbox.world.requests, name) for name in limits}
    return Judgement(
        messages=sum(seen.values()),
        duplicates=sum(count - 1 for count in seen.values()),
        lost=len(owed - set(seen)),
        unowed=len(set(seen) - owed),
        limit_exceeded=sum(
            count > limits[name] for name, counts in under_way.items() for count in counts
        ),
        peaks={name: max(counts, default=0) for name, counts in under_way.items()},
    )


def _under_way(requests: Sequence[Seen], service: str) -> list[int]:
    """Count for each request of a service how many were under way as it began, itself included."""
    moments = []
    for request in requests:
        if request.service == service:
            moments.append((request.at, 1))
            moments.append((request.at + timedelta(seconds=request.seconds), -1))
    found, now = [], 0
    for _, change in sorted(moments, key=lambda moment: (moment[0], moment[1])):
        now += change
        if change > 0:
            found.append(now)
    return found
