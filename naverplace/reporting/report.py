"""The report of one run: computed from what happened, and cross-checked before anybody reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from naverplace.domain.effects import CHANNELS, CreateRecord, SendSms
from naverplace.domain.message_kinds import KINDS
from naverplace.domain.results import ActionResult, Decisions, Outcome
from naverplace.reporting.run_facts import (
    RunFacts,
    StoreFacts,
    count_resolutions,
    expired_rows,
    in_doubt_rows,
    pause_rows,
    undelivered_rows,
    unfollowed,
)
from naverplace.reporting.sent_crosscheck import CrossCheck
from naverplace.rules.rulebook_version import RulebookVersion

NOT_SENT = "not_sent"  # a dry run, or a run that broke off before it
_NOTICES = {f"send_{channel}" for channel in CHANNELS}


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
    adopted: Mapping[str, int] = field(default_factory=dict)  # accepted by an earlier try, by kind
    settled: Mapping[str, int] = field(default_factory=dict)  # doubts by what became of them
    unsettled: tuple[Mapping[str, str], ...] = ()  # doubts that are left
    expired: tuple[Mapping[str, str], ...] = ()  # owed, never accepted, and too late now
    receipts: Mapping[str, int] = field(default_factory=dict)  # of earlier runs' messages
    undelivered: tuple[Mapping[str, Any], ...] = ()  # those that SENS could not deliver
    started: str = ""  # to the millisecond
    rules: int | None = None  # that are enabled
    bookings_decided: int | None = None
    deliveries: tuple[Mapping[str, Any], ...] | None = None  # every message with its outcome
    spans: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # of the phases
    calls: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # count, wall, summed
    allocated_mb: float | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    crosscheck: CrossCheck | None = None
    cold_start: bool | None = None  # the first run of its process
    init_seconds: float | None = None  # from the process's start until the run's; 0 when warm
    rulebook: RulebookVersion = field(default_factory=RulebookVersion)  # that decided
    caps: tuple[Mapping[str, Any], ...] = ()  # that were reached, with what they held back
    pauses: tuple[Mapping[str, Any], ...] = ()  # by hand; one that has ended is listed once
    page: str = ""  # where the owner's page of this run is: a link, or a file

    @property
    def verdict(self) -> str:
        """Give the one word on the run that every page and message says."""
        return "FAILED" if self.status == "failed" else "DRY RUN" if self.dry_run else "SUCCESS"

    def as_json(self) -> dict[str, Any]:
        """Turn the report into plain JSON values."""
        form = asdict(self)
        if self.rulebook.since:
            form["rulebook"]["since"] = self.rulebook.since.isoformat(timespec="seconds")
        return form


def make_report(facts: RunFacts) -> RunReport:
    """Sum up a run, and check every sum against an independent count of the same thing."""
    owed, sends = facts.owed, facts.sends
    contradictions = tuple(find_contradictions(facts))
    problems = tuple(_problems(facts))
    failed = bool(facts.failure or contradictions or problems)
    report = RunReport(
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
        notices=dict(Counter(r.outcome.value for r in facts.results if r.action in _NOTICES)),
        writes=facts.table_writes,
        writes_by_action=dict(_writes_by_action(facts)),
        stores=tuple(_store_rows(facts)),
        quarantine=tuple(row for store in facts.stores for row in store.quarantined),
        verdicts=tuple(_verdict_rows(facts.decisions)),
        browser_opened=facts.browser_opened,
        errors=dict(Counter(r.message for r in facts.results if not r.success)),
        adopted=dict(Counter(r.kind for r in sends if r.outcome is Outcome.ADOPTED)),
        settled=count_resolutions(facts),
        unsettled=tuple(in_doubt_rows(facts)),
        expired=tuple(expired_rows(facts)),
        receipts=_receipts(facts),
        undelivered=tuple(undelivered_rows(facts)),
        started=facts.now.isoformat(timespec="milliseconds"),
        rules=len(facts.rules),
        bookings_decided=facts.bookings_decided,
        deliveries=tuple(_delivery_rows(facts)),
        crosscheck=facts.crosscheck,
        rulebook=facts.rulebook_version,
        caps=tuple(cap_rows(facts)),
        pauses=tuple(pause_rows(facts)),
        **facts.measurements,
    )
    if not contradictions and (differing := find_differing_figures(report)):
        return replace(report, status="failed", balanced=False, contradictions=differing)
    return report


def _problems(facts: RunFacts) -> list[str]:
    problems = [facts.failure] if facts.failure else []
    for store in facts.stores:
        if store.error:
            problems.append(f"{store.alias} ({store.store_id}) could not be read: {store.error}")
        if store.stopped:
            problems.append(stop_line(store.alias, store.store_id, store.stopped))
    problems += [
        f"{row['kind']} of booking {row['booking']} is in doubt since {row['since']}: {row['why']}"
        for row in in_doubt_rows(facts)
        if row["settled"] != "in_run"
    ]
    problems += [
        f"{r.kind} of booking {r.booking_num} is {r.outcome.value}: {r.message}"
        for r in facts.sends
        if not r.success and r.outcome is not Outcome.CAPPED
    ]
    problems += [cap_line(row) for row in cap_rows(facts)]
    problems += [
        f"{r.action} for booking {r.booking_num} is {r.outcome.value}: {r.message}"
        for r in facts.results
        if r.action != "send_sms" and not r.success
    ]
    problems += [str(error) for error in facts.decisions.errors]
    if unread := unfollowed(facts):
        problems.append(unread)
    problems += map(expired_line, expired_rows(facts))
    return problems


def _receipts(facts: RunFacts) -> dict[str, int]:
    """Count what became of earlier runs' messages; nothing when there were none to follow."""
    followed = facts.followed
    counts = {
        "delivered": followed.delivered,
        "failed": followed.failed,
        "under_way": followed.under_way,
    }
    return counts if any(counts.values()) else {}


def stop_line(alias: str, store_id: str, why: str) -> str:
    """Write the problem of a store that nothing is sent for."""
    return f"{alias} ({store_id}) is stopped: {why}"


def expired_line(row: Mapping[str, str]) -> str:
    """Write the problem of a message that was never sent, and can not be any more."""
    return f"{row['kind']} of booking {row['booking']} has expired: {row['reason']}"


def cap_line(row: Mapping[str, Any]) -> str:
    """Write the problem of a cap that was reached."""
    return f"{row['alias']} ({row['store_id']}): {row['held']} messages held back, {row['why']}"


def cap_rows(facts: RunFacts) -> Iterator[dict[str, Any]]:
    """List the caps that were reached, by store and phone; phones are masked in the words."""
    aliases = {store.store_id: store.alias for store in facts.stores}
    held = Counter((r.store_id, r.message) for r in facts.sends if r.outcome is Outcome.CAPPED)
    for (store_id, why), count in held.items():
        scope = why.removeprefix("cap of ").partition(" ")[0]
        alias = aliases.get(store_id, "")
        yield {"store_id": store_id, "alias": alias, "scope": scope, "held": count, "why": why}


def _delivery_rows(facts: RunFacts) -> Iterator[dict[str, Any]]:
    """List every message that was owed or sent, and how it ended; no phone, name or text."""
    new = {e.key for e in facts.decisions.effects if isinstance(e, CreateRecord)}
    ended: dict[tuple[str, str, str], list[ActionResult]] = {}
    for result in facts.sends:
        name = (result.booking_num, result.kind, result.store_id)
        ended.setdefault(name, []).append(result)
    for effect in facts.owed:
        booking = effect.key.booking_num
        results = ended.get((booking, effect.kind, effect.store_id))
        yield {
            "booking": booking,
            "store_id": effect.store_id,
            "kind": effect.kind,
            "new": effect.key in new,
            "planned": True,
            **_end(results.pop(0) if results else None),
        }
    for (booking, kind, store_id), results in ended.items():
        for unplanned in results:  # a contradiction, but it happened
            row = {"booking": booking, "store_id": store_id, "kind": kind, "new": False}
            yield {**row, "planned": False, **_end(unplanned)}


def _end(result: ActionResult | None) -> dict[str, Any]:
    return {
        "outcome": result.outcome.value if result else NOT_SENT,
        "request_id": result.request_id if result else "",
        "seconds": round(result.seconds, 3) if result else 0.0,
    }


def find_differing_figures(report: RunReport) -> tuple[str, ...]:
    """Name every pair of the report's own figures that should be equal and is not."""
    found: list[str] = []

    def equal(what: str, total: float, parts: float) -> None:
        if total != parts:
            found.append(f"{what}: {total:g} is not {parts:g}")

    def stores(name: str) -> int:
        return sum(store[name] for store in report.stores)

    equal("confirmed bookings, those of the stores", report.bookings_confirmed, stores("confirmed"))
    equal("completed bookings, those of the stores", report.bookings_completed, stores("completed"))
    equal("quarantined, those of the stores", report.quarantined, stores("quarantined"))
    equal("quarantined, rows", report.quarantined, len(report.quarantine))
    equal("table writes, those by action", report.writes, sum(report.writes_by_action.values()))
    equal("messages planned, those of the stores", sum(report.planned.values()), stores("planned"))
    for kind in {**report.planned, **report.messages}:
        sent = report.messages.get(kind, 0)
        of_stores = sum(store["messages"].get(kind, 0) for store in report.stores)
        equal(f"{kind} accepted, those of the stores", sent, of_stores)
        if report.deliveries is not None:
            rows = [row for row in report.deliveries if row["kind"] == kind]
            accepted = sum(row["outcome"] == Outcome.ACCEPTED for row in rows)
            equal(f"{kind} accepted, rows", sent, accepted)
            planned = sum(bool(row["planned"]) for row in rows)
            equal(f"{kind} planned, rows", report.planned.get(kind, 0), planned)
    for outcome in Outcome:
        total = report.outcomes.get(outcome, 0)
        of_stores = sum(store["outcomes"].get(outcome, 0) for store in report.stores)
        equal(f"messages {outcome.value}, those of the stores", total, of_stores)
    accepted = report.outcomes.get(Outcome.ACCEPTED, 0)
    equal("messages accepted, by kind", accepted, sum(report.messages.values()))
    if report.crosscheck:
        known = sum(report.messages.values()) + sum(report.adopted.values())
        equal("messages accepted and adopted, cross-checked", known, report.crosscheck.sent)
    last = max((end for _, end in report.spans.values()), default=0.0)
    if last > report.seconds + 0.01:  # both are rounded
        found.append(
            f"the last step ended after {last:g} s, and the run after {report.seconds:g} s"
        )
    return tuple(found)


def _by_kind(counts: Mapping[str, int]) -> dict[str, int]:
    others = sorted(set(counts) - set(KINDS))
    return {kind: counts.get(kind, 0) for kind in (*KINDS, *others)}


def _writes_by_action(facts: RunFacts) -> Counter[str]:
    settling = sum(doubt.resolution.is_final for doubt in facts.doubts)
    writes = Counter({"settle": settling} if settling else {})
    if facts.followed.writes:
        writes["follow"] = facts.followed.writes
    for result in facts.results:
        if result.writes:
            writes[result.action] += result.writes
    return writes


def _store_rows(facts: RunFacts) -> Iterator[dict[str, Any]]:
    planned = Counter(effect.store_id for effect in facts.owed)
    sends: dict[str, list[ActionResult]] = {}
    for result in facts.sends:
        sends.setdefault(result.store_id, []).append(result)
    for store in facts.stores:
        yield _store_row(store, planned[store.store_id], sends.get(store.store_id, ()))


def _store_row(store: StoreFacts, planned: int, mine: Sequence[ActionResult]) -> dict[str, Any]:
    return {
        "store_id": store.store_id,
        "alias": store.alias,
        "confirmed": store.confirmed,
        "completed": store.completed,
        "quarantined": len(store.quarantined),
        "planned": planned,
        "messages": _by_kind(Counter(r.kind for r in mine if r.outcome is Outcome.ACCEPTED)),
        "outcomes": dict(Counter(r.outcome.value for r in mine)),
        "problem": store.error or store.stopped,
        "told": store.told,
        "owner": store.owner,
    }


def _verdict_rows(decisions: Decisions) -> list[dict[str, Any]]:
    rows = [
        {"rule": rule, "fired": fired, "first condition that said no": failed, "bookings": count}
        for (rule, fired, failed), count in decisions.counts.items()
    ]
    return sorted(rows, key=lambda row: (row["rule"], not row["fired"], -row["bookings"]))


def find_contradictions(facts: RunFacts) -> list[str]:
    """Name every pair of figures that should be equal and are not."""
    owed, sends = facts.owed, facts.sends
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
        facts.decisions.counts.total(),
        facts.bookings_decided * len(facts.rules),
    )
    if not facts.dry_run and not facts.failure:
        equal("messages planned, messages with an outcome", len(owed), len(sends))
        found += _different_tallies(owed, sends)
        equal("effects owed, results", len(facts.decisions.effects), len(facts.results))
    known = {store.store_id for store in facts.stores}
    equal("messages of known stores, messages", sum(r.store_id in known for r in sends), len(sends))
    equal(
        "table writes, writes reported by the actions",
        facts.table_writes,
        sum(r.writes for r in facts.results)
        + sum(d.resolution.is_final for d in facts.doubts)
        + facts.followed.writes,
    )
    accepted = [r.request_id for r in sends if r.outcome is Outcome.ACCEPTED]
    equal("accepted messages, different request ids", len(accepted), len(set(accepted) - {""}))
    if facts.dry_run:
        equal("messages sent in a dry run, none", len(accepted), 0)
    if facts.crosscheck:
        found += facts.crosscheck.contradictions
    return found


def _different_tallies(owed: Sequence[SendSms], sends: Sequence[ActionResult]) -> list[str]:
    planned = Counter((e.key.booking_num, e.kind, e.store_id) for e in owed)
    carried = Counter((r.booking_num, r.kind, r.store_id) for r in sends)
    return [
        f"{kind} of booking {number}: planned {planned[number, kind, store]} times, "
        f"has {carried[number, kind, store]} outcomes"
        for number, kind, store in sorted((planned - carried) + (carried - planned))
    ]
