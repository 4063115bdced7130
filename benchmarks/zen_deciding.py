"""The shipped rules in ZEN, a rule engine in Rust, asked through Python: the side by side.

It answers yes or no; ours also says why not, and makes what is to be done.
"""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.deciding import EVERY, NOW
from naverplace.domain.record_matching import MatchedBooking

RULES = {
    "new_booking": "status == 'RC03' and not in_db and minutes > 0",
    "confirmation_still_owed": "status == 'RC03' and in_db and not confirm_sms and minutes > 0",
    "guide": "status == 'RC03' and minutes > 0 and minutes <= 120 and not remind_sms",
    "event": "hour == 20 and status == 'RC08' and in_db and not option_sms and some(options, "
    "contains(#, '네이버') or contains(#, '인스타') or contains(#, '원본'))",
}
FLAGS = ("confirm_sms", "remind_sms", "option_sms")
BOOKINGS = 25_000


def main(bookings: Iterable[MatchedBooking]) -> dict[str, Any]:
    """Decide about these bookings; without its wheel (group `bench`) there is no figure.

    Raises RuntimeError when its answers are not those of the shipped rules.
    """
    try:
        zen: Any = importlib.import_module("zen")
    except ImportError:
        return {"zen_verdicts_per_s": None}
    decision = zen.ZenEngine().create_decision(json.dumps(_model()))
    given = [_context(match) for match in bookings]
    started = time.process_time()
    answers: list[Mapping[str, bool]] = [decision.evaluate(one)["result"] for one in given]
    seconds = time.process_time() - started
    owed = sum(sum(answer.values()) for answer in answers)
    if owed != 2 * len(given) // EVERY:
        raise RuntimeError(f"ZEN found {owed} messages owed, and not two in {EVERY} bookings")
    return {"zen_verdicts_per_s": round(len(RULES) * len(given) / seconds)}


def _model() -> dict[str, Any]:
    expressions = [{"id": name, "key": name, "value": text} for name, text in RULES.items()]
    nodes = [
        {"id": "in", "type": "inputNode", "name": "in"},
        {
            "id": "rules",
            "type": "expressionNode",
            "name": "rules",
            "content": {"expressions": expressions},
        },
        {"id": "out", "type": "outputNode", "name": "out"},
    ]
    edges = [
        {"id": f"{a}-{b}", "sourceId": a, "targetId": b, "type": "edge"}
        for a, b in (("in", "rules"), ("rules", "out"))
    ]
    return {"nodes": nodes, "edges": edges}


def _context(match: MatchedBooking) -> dict[str, Any]:
    booking, record = match.booking, match.record
    return {
        "status": booking.status.value,
        "in_db": record is not None,
        "minutes": (booking.start - NOW).total_seconds() / 60,
        **{name: bool(record and record.item.get(name)) for name in FLAGS},
        "hour": NOW.hour,
        "options": [option.name for option in booking.options],
    }
