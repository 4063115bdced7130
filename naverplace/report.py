"""The report of one run: computed from what happened, and cross-checked before anybody reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from naverplace.effects import ActionResult, Decisions, Notify, Outcome, SendSms

KINDS = ("confirmation", "guide", "event")  # shown even when none was owed


@dataclass(frozen=True)
class StoreFacts:
    """What one store's extraction and quality check found, before anything was decided."""

    store_id: str
    alias: str
    confirmed: int = 0  # RC03 bookings received
    completed: int = 0  # RC08 bookings received
    passed: int = 0  # rows that passed the quality gates
    quarantined: tuple[Mapping[str, Any], ...] = ()  # masked rows with their reasons
    error: str = ""  # why the store could not be read
    stopped: str = ""  # why nothing is sent for the store
    told: str = ""  # the same in the owner's language, with what to do
    pages: int = 0


@dataclass(frozen=True)
class RunFacts:
    """Everything a report is computed from."""

    run_id: str
    door: str  # flow | lambda | cli
    now: datetime
    dry_run: bool
    stores: tuple[StoreFacts, ...]
    rules: tuple[str, ...]  # the enabled ones
    bookings_decided: int  # after a booking in two lists was counted once
    decisions: Decisions
    results: tuple[ActionResult, ...]
    phases: Mapping[str, float]  # seconds by phase
    seconds: float
    browser_opened: bool
    memory_mb: float
    table_writes: int  # counted by the table itself
    failure: str = ""  # why the run as a whole failed


@dataclass(frozen=True)
class RunReport:
    """One run, summed up; holds no full phone, name, text or secret."""

    run_id: str
    door: str
    now: str
    dry_run: bool
    status: str  # success | failed
    balanced: bool
    problems: tuple[str, ...]  # what a person should look at
    contradictions: tuple[str, ...]  # sums that do not balance
    bookings_confirmed: int
    bookings_completed: int
    quarantined: int
    planned: Mapping[str, int]  # messages owed by kind
    messages: Mapping[str, int]  # messages accepted by kind
    outcomes: Mapping[str, int]  # messages by outcome
    notices: Mapping[str, int]  # lines to the owner by outcome
    writes: int
    writes_by_action: Mapping[str, int]
    stores: tuple[Mapping[str, Any], ...]
    quarantine: tuple[Mapping[str, Any], ...]
    verdicts: tuple[Mapping[str, Any], ...]  # by rule and by first condition that said no
    phases: Mapping[str, float]
    seconds: float
    browser_opened: bool
    memory_mb: float
    errors: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Turn the report into plain JSON values."""
        return asdict(self)


def make_report(facts: RunFacts) -> RunReport:
    """Sum up a run, and check every sum against an independent count of the same thing."""
    sends = [r for r in facts.results if r.action == "send_sms"]
    owed = [e for e in facts.decisions.effects if isinstance(e, SendSms)]
    contradictions = tuple(find_contradictions(facts))
    problems = tuple(_problems(facts, sends))
    failed = bool(facts.failure or contradictions or problems)
    return RunReport(
        run_id=facts.run_id,
        door=facts.door,
        now=facts.now.isoformat(timespec="seconds"),
        dry_run=facts.dry_run,
        status="failed" if failed else "success",
        balanced=not contradictions,
        problems=problems,
        contradictions=contradictions,
        bookings_confirmed=sum(s.confirmed for s in facts.stores),
        bookings_completed=sum(s.completed for s in facts.stores),
        quarantined=sum(len(s.quarantined) for s in facts.stores),
        planned=_by_kind(Counter(e.kind for e in owed)),
        messages=_by_kind(Counter(r.kind for r in sends if r.outcome is Outcome.ACCEPTED)),
        outcomes=dict(Counter(r.outcome.value for r in sends)),
        notices=dict(Counter(r.outcome.value for r in facts.results if _is_notice(r))),
        writes=facts.table_writes,
        writes_by_action=dict(_writes_by_action(facts.results)),
        stores=tuple(_store_row(store, owed, sends) for store in facts.stores),
        quarantine=tuple(row for store in facts.stores for row in store.quarantined),
        verdicts=tuple(_verdict_rows(facts.decisions)),
        phases={name: round(seconds, 3) for name, seconds in facts.phases.items()},
        seconds=round(facts.seconds, 3),
        browser_opened=facts.browser_opened,
        memory_mb=round(facts.memory_mb, 1),
        errors=dict(Counter(r.message for r in facts.results if not r.success)),
    )


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
        sum(r.writes for r in facts.results),
    )
    accepted = [r.request_id for r in sends if r.outcome is Outcome.ACCEPTED]
    equal("accepted messages, different request ids", len(accepted), len(set(accepted) - {""}))
    if facts.dry_run:
        equal("messages sent in a dry run, none", len(accepted), 0)
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


def _problems(facts: RunFacts, sends: Sequence[ActionResult]) -> list[str]:
    problems = [facts.failure] if facts.failure else []
    for store in facts.stores:
        if store.error:
            problems.append(f"{store.alias} ({store.store_id}) could not be read: {store.error}")
        if store.stopped:
            problems.append(stop_line(store.alias, store.store_id, store.stopped))
    problems += [
        f"{r.kind} of booking {r.booking_num} is {r.outcome.value}: {r.message}"
        for r in sends
        if not r.success
    ]
    problems += [
        f"{r.action} for booking {r.booking_num} is {r.outcome.value}: {r.message}"
        for r in facts.results
        if r.action != "send_sms" and not r.success
    ]
    problems += [str(error) for error in facts.decisions.errors]
    return problems


def stop_line(alias: str, store_id: str, why: str) -> str:
    """Write the problem of a store that nothing is sent for."""
    return f"{alias} ({store_id}) is stopped: {why}"


def _is_notice(result: ActionResult) -> bool:
    return result.action in ("send_telegram", "send_slack")


def _by_kind(counts: Mapping[str, int]) -> dict[str, int]:
    others = sorted(set(counts) - set(KINDS))
    return {kind: counts.get(kind, 0) for kind in (*KINDS, *others)}


def _writes_by_action(results: Sequence[ActionResult]) -> Counter[str]:
    writes: Counter[str] = Counter()
    for result in results:
        if result.writes:
            writes[result.action] += result.writes
    return writes


def _store_row(
    store: StoreFacts, owed: Sequence[SendSms], sends: Sequence[ActionResult]
) -> dict[str, Any]:
    mine = [r for r in sends if r.store_id == store.store_id]
    return {
        "store_id": store.store_id,
        "alias": store.alias,
        "confirmed": store.confirmed,
        "completed": store.completed,
        "quarantined": len(store.quarantined),
        "planned": sum(e.store_id == store.store_id for e in owed),
        "messages": _by_kind(Counter(r.kind for r in mine if r.outcome is Outcome.ACCEPTED)),
        "outcomes": dict(Counter(r.outcome.value for r in mine)),
        "problem": store.error or store.stopped,
        "told": store.told,
    }


def _verdict_rows(decisions: Decisions) -> list[dict[str, Any]]:
    counts = Counter((v.rule, v.fired, v.failed_condition) for v in decisions.verdicts)
    rows = [
        {"rule": rule, "fired": fired, "first condition that said no": failed, "bookings": count}
        for (rule, fired, failed), count in counts.items()
    ]
    return sorted(rows, key=lambda row: (row["rule"], not row["fired"], -row["bookings"]))


def notices_of(decisions: Decisions) -> list[Notify]:
    """List the lines that rules owe the owner."""
    return [effect for effect in decisions.effects if isinstance(effect, Notify)]
