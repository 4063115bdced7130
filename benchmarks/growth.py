"""What a booking costs as they become many: processor time and memory of a whole plain run."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.doors import Measured, measure
from sandbox.memory_dynamodb.app import MemoryAwsApp
from sandbox.naver.bookings import a_booking
from sandbox.server import Sandbox
from trials.scale.chain import Chain

A_STORE = 100  # bookings
OWED = 10  # of its messages: three to the chain's customers, and one to each that is new


def grow(sizes: Sequence[int]) -> dict[int, Measured]:
    """Measure a run on so many bookings, in stores of 100; nobody waits for answers."""
    return {size: _measure(size) for size in sizes}


def slope(costs: dict[int, float]) -> float:
    """Tell how much more a booking costs at the largest size than between the two smallest.

    1.0 is flat: what any run costs is taken off.
    """
    small, middle, *_, large = sorted(costs)
    first = (costs[middle] - costs[small]) / (middle - small)
    return (costs[large] - costs[middle]) / (large - middle) / first


def times(costs: dict[int, float]) -> float:
    """Tell how many times the smallest run's cost the largest one has; 1.0: none of it is kept."""
    return costs[max(costs)] / costs[min(costs)]


def _measure(size: int) -> Measured:
    chain = Chain.of(max(1, size // A_STORE))
    with (
        tempfile.TemporaryDirectory(prefix="naverplace-growth-") as folder,
        Sandbox("empty", aws=MemoryAwsApp) as sandbox,
    ):
        chain.open(sandbox)
        sandbox.world.latency.clear()
        _fill(sandbox, chain)
        return measure("cli", sandbox, more=chain.write(Path(folder)))


def _fill(sandbox: Sandbox, chain: Chain) -> None:
    now, number = sandbox.world.now(), 0
    new = OWED - len(chain.owed()) // len(chain.stores)
    for store in chain.stores:
        known = []
        for at in range(A_STORE - len(sandbox.world.stores[store])):
            number += 1
            start = now + timedelta(days=2 + number % 40)
            phone = f"0107{number:07}"
            raw = a_booking(store, 950_000_000 + number, start, phone=phone)
            sandbox.world.stores[store].append(raw)
            if at >= new:
                known.append(_record(f"{store}_{raw['bookingId']}", phone, start))
        sandbox.put_sms_items(known)


def _record(booking_num: str, phone: str, start: datetime) -> dict[str, Any]:
    return {
        "booking_num": booking_num,
        "phone": f"{phone[:3]}-{phone[3:7]}-{phone[7:]}",
        "name": "나무늘보",
        "booking_time": f"{start:%Y-%m-%d %H:%M}:00",
        **dict.fromkeys(("confirm_sms", "remind_sms", "option_sms"), True),
        "option_time": "",
    }
