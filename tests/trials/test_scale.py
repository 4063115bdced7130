"""What `make scale` judges by: the customers of a chain, and requests under way at one moment."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from sandbox.server import Sandbox
from trials.scale.chain import Chain
from trials.scale.judging import _under_way, judge

LIMITS = {"partner": 4, "sens": 4}


def test_a_message_that_is_missing_doubled_or_not_owed_is_seen(world: Sandbox) -> None:
    chain = Chain.of(2)
    owed = sorted(chain.owed())
    subjects = {"confirmation": "[예약확정] 1점", "guide": "[이용안내] 1점"}

    def seen(pairs: list[tuple[str, str]]) -> Any:
        sent = [{"to": phone, "subject": subjects[kind]} for phone, kind in pairs]
        fake = SimpleNamespace(messages=lambda: sent, world=world.world)
        return judge(chain, fake, LIMITS)  # type: ignore[arg-type]

    assert len(owed) == 6  # two stores: a new booking, and one that is new and soon
    assert seen(owed).good
    assert seen(owed[1:]).lost == 1
    assert seen([*owed, owed[0]]).duplicates == 1
    assert seen([*owed, ("01099999999", "guide")]).unowed == 1


def test_requests_that_overlap_are_counted_at_each_moment(world: Sandbox) -> None:
    start = world.world.now()

    def request(at: float, seconds: float) -> Any:
        when = start + timedelta(seconds=at)
        return SimpleNamespace(service="partner", at=when, seconds=seconds)

    assert _under_way([request(0, 2), request(1, 2), request(2.5, 1)], "partner") == [1, 2, 2]
    assert _under_way([request(0, 1), request(1, 1)], "partner") == [1, 1]
    assert _under_way([request(0, 1)], "sens") == []
