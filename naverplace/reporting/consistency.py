"""The sums of a run that must agree, each counted in two ways."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from naverplace.domain.effects import SendSms
from naverplace.domain.results import ActionResult, Outcome
from naverplace.reporting.run_facts import RunFacts


def find_contradictions(facts: RunFacts) -> list[str]:
    """Name every pair of figures that should be equal and are not."""
    owed = [e for e in facts.decisions.effects if isinstance(e, SendSms)]
    sends = [r for r in facts.results if r.action == "send_sms"]
    found: list[str] = []

    def equal(what: str, left: int, right: int) -> None:
        if left != right:
            found.append(f"{what}: {left} is not {right}")

    for store in facts.stores:
        if not store.error:
            equal(
                f"store {store.store_id}: bookings received, passed + quarantined",
                store.confirmed + store.completed,
                store.passed + len(store.quarantined),
            )
    equal(
        "verdicts, bookings x rules",
        len(facts.decisions.verdicts),
        facts.bookings_decided * len(facts.rules),
    )
    if not facts.dry_run and not facts.failure:
        equal("messages planned, messages with an outcome", len(owed), len(sends))
        found += _different_tallies(owed, sends)
        equal(
            "effects owed, results",
            len(facts.decisions.effects),
            len(facts.results),
        )
    known = {store.store_id for store in facts.stores}
    equal("messages of known stores, messages", sum(r.store_id in known for r in sends), len(sends))
    equal(
        "table writes, writes reported by the actions",
        facts.table_writes,
        sum(r.writes for r in facts.results) + sum(d.resolution.is_final for d in facts.doubts),
    )
    accepted = [r.request_id for r in sends if r.outcome is Outcome.ACCEPTED]
    equal("accepted messages, different request ids", len(accepted), len(set(accepted) - {""}))
    if facts.dry_run:
        equal("messages sent in a dry run, none", len(accepted), 0)
    if facts.crosscheck:
        found += facts.crosscheck.contradictions
    return found


def _different_tallies(owed: Sequence[SendSms], sends: Sequence[ActionResult]) -> list[str]:
    """Compare plan and outcome message by message, so that errors cannot cancel out in a sum."""
    planned = Counter((e.key.booking_num, e.kind, e.store_id) for e in owed)
    carried = Counter((r.booking_num, r.kind, r.store_id) for r in sends)
    return [
        f"{kind} of booking {number}: planned {planned[number, kind, store]} times, "
        f"has {carried[number, kind, store]} outcomes"
        for number, kind, store in sorted((planned - carried) + (carried - planned))
    ]
