"""How long deciding takes: the shipped rules on many bookings, in processor time.

Usage: python -m benchmarks.deciding [BOOKINGS]; ends with one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from naverplace.base.clock import SEOUL
from naverplace.domain.booking import Booking, BookingStatus, Option, new_item
from naverplace.domain.record_matching import MatchedBooking
from naverplace.domain.records import read_record
from naverplace.rules.engine import RuleEngine
from naverplace.rules.rulebook import Rulebook, load_rulebook
from sandbox.credentials import access_codes

ROOT = Path(__file__).resolve().parents[1]
NOW = datetime(2025, 10, 22, 14, 2, 15, tzinfo=SEOUL)
EVERY = 100  # one in so many bookings is owed its guide now; another one is new


def main(count: int = 250_000) -> dict[str, float]:
    """Decide about this many bookings, most of which are known and owed nothing now."""
    book = shipped()
    made = bookings(count)
    started = time.process_time()
    decisions = RuleEngine(book).decide(made, now=NOW, served={})
    seconds = time.process_time() - started
    return {
        "bookings": count,
        "verdicts": len(decisions.verdicts),
        "effects": len(decisions.effects),
        "undecided": len(decisions.errors),
        "seconds": round(seconds, 3),
        "verdicts_per_s": round(len(decisions.verdicts) / seconds),
    }


def bookings(count: int) -> list[MatchedBooking]:
    """Make this many, of all stores by turns."""
    stores = list(shipped().stores)
    return [a_match(n, store_id=stores[n % len(stores)]) for n in range(count)]


def shipped() -> Rulebook:
    """Load the shipped rules."""
    codes = {
        store: {name: SecretStr(code) for name, code in named.items()}
        for store, named in access_codes().items()
    }
    return load_rulebook(
        ROOT / "rules",
        ROOT / "deployments" / "stores.yaml",
        default_sender="0310000000",
        access=codes,
    )


def a_match(n: int, *, store_id: str) -> MatchedBooking:
    """Make the n-th booking with its record: known, in some days, with nothing owed now."""
    due, new = n % EVERY == 0, n % EVERY == 1
    booking = Booking(
        store_id=store_id,
        booking_id=1_000_000_000 + n,
        status=BookingStatus.COMPLETED if n % 5 == 4 else BookingStatus.CONFIRMED,
        name="홍길동",
        phone=f"010{n:08}",
        raw_phone=f"010{n:08}",
        start=NOW.replace(second=0) + timedelta(hours=1 if due else 3 + n % 200),
        read_at=NOW,
        options=(Option(name="무료 인화지 (네이버 포토리뷰 약속 시)"),),
    )
    if new:
        return MatchedBooking(booking, None)
    return MatchedBooking(booking, read_record({**new_item(booking), "confirm_sms": True}))


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:2]))))  # noqa: T201
