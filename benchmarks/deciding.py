"""How long deciding takes: the shipped rules on many bookings, in processor time.

Usage: python -m benchmarks.deciding [BOOKINGS]; ends with one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from naverplace.base.clock import SEOUL
from naverplace.domain.booking import Booking, BookingStatus
from naverplace.rules import engine
from naverplace.rules.rulebook import load_rulebook

ROOT = Path(__file__).resolve().parents[1]
NOW = datetime(2025, 10, 22, 14, 2, 15, tzinfo=SEOUL)


def main(bookings: int) -> dict[str, float]:
    """Decide about this many bookings, of which one in a hundred is in its two hours."""
    book = load_rulebook(
        ROOT / "rules", ROOT / "deployments" / "stores.yaml", default_sender="0310000000"
    )
    stores = list(book.stores)
    made = [_booking(n, store_id=stores[n % len(stores)]) for n in range(bookings)]
    started = time.process_time()
    decisions = engine.match_and_decide(made, {}, book, now=NOW)
    seconds = time.process_time() - started
    return {
        "bookings": bookings,
        "verdicts": len(decisions.verdicts),
        "effects": len(decisions.effects),
        "undecided": len(decisions.errors),
        "seconds": round(seconds, 3),
    }


def _booking(n: int, *, store_id: str) -> Booking:
    return Booking(
        store_id=store_id,
        booking_id=1_000_000_000 + n,
        status=BookingStatus.CONFIRMED,
        name="홍길동",
        phone=f"010{n:08}",
        raw_phone=f"010{n:08}",
        start=NOW.replace(second=0) + timedelta(hours=3 + n % 200),
        read_at=NOW,
    )


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)))  # noqa: T201
