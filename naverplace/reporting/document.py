"""The run summary document: what one run saw, did and cost; pure.

The template has the words, `DocumentView` the figures with their names; None is what is unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from naverplace.domain.effects import CHANNELS
from naverplace.reporting.markdown import render_page
from naverplace.reporting.report import RunReport, find_differing_figures
from naverplace.reporting.thresholds import (
    NOT_MEASURED,
    Measured,
    ThresholdRow,
    check_thresholds,
    missed,
)
from naverplace.settings.sections import ThresholdSettings

GOOD = ("accepted", "adopted", "skipped")


@dataclass(frozen=True)
class MessageGroup:
    """The messages of one kind, for bookings that are new with us or not."""

    kind: str
    new: bool | None  # None: the report does not tell
    planned: int
    outcomes: Mapping[str, int]


@dataclass(frozen=True)
class DocumentView:
    """One report, ready to be written down."""

    report: RunReport

    @cached_property
    def contradictions(self) -> tuple[str, ...]:
        """List what did not balance in the run, or does not balance in its report."""
        return self.report.contradictions or find_differing_figures(self.report)

    @property
    def failed(self) -> bool:
        """Tell whether the run or its figures are not in order."""
        return self.report.status != "success" or bool(self.contradictions)

    @property
    def kinds(self) -> list[str]:
        """List the kinds of messages that the report counts."""
        return list({**self.report.planned, **self.report.messages, **self.report.adopted})

    @property
    def owed(self) -> int:
        """Count the messages that were planned."""
        return sum(self.report.planned.values())

    @property
    def sent(self) -> int:
        """Count the messages that SENS accepted in this run."""
        return sum(self.report.messages.values())

    @property
    def not_accepted(self) -> int:
        """Count the messages that somebody must look at."""
        return _bad(self.report.outcomes)

    def count(self, outcome: str) -> int:
        """Count the messages that ended so."""
        return self.report.outcomes.get(outcome, 0)

    # -- when, and how long -----------------------------------------------------------------------

    @property
    def started(self) -> datetime:
        """Tell when the run began, as exactly as the report knows."""
        return datetime.fromisoformat(self.report.started or self.report.now)

    def at(self, seconds: float) -> datetime:
        """Turn seconds since the start into a time of the day."""
        return self.started + timedelta(seconds=seconds)

    def span(self, phase: str) -> str:
        """Tell how long a phase took."""
        span = self.report.spans.get(phase)
        return f"{span[1] - span[0]:.3f}s" if span else NOT_MEASURED

    def calls(self, name: str) -> int:
        """Count the calls of this kind; 0 also when nobody counted them."""
        return int(self.report.calls.get(name, {}).get("count", 0))

    def response_time(self, name: str) -> str:
        """Word how long the calls of this kind took."""
        calls = self.report.calls.get(name)
        if not calls or not calls["count"]:
            return "no call" if calls else NOT_MEASURED
        average = calls["summed"] / calls["count"] * 1000
        return (
            f"{average:.1f}ms average of {calls['count']:.0f} "
            f"{'call' if calls['count'] == 1 else 'calls'} "
            f"({calls['summed']:.3f}s summed, {calls['wall']:.3f}s on the wall clock)"
        )

    @cached_property
    def measured(self) -> Measured:
        """Give the figures that have a threshold."""
        report = self.report
        begin, end = report.spans.get("booking api", (None, None))
        return Measured(
            total_seconds=report.seconds,
            booking_api_seconds=end - begin if begin is not None and end is not None else None,
            dynamodb_seconds=self._wall("dynamodb"),
            sms_seconds=self._wall("sms"),
            notification_seconds=self._wall("notifications"),
            memory_mb=report.memory_mb,
            allocated_mb=report.allocated_mb,
        )

    def _wall(self, name: str) -> float | None:
        calls = self.report.calls.get(name)
        return calls["wall"] if calls else None

    @cached_property
    def thresholds(self) -> tuple[ThresholdRow, ...]:
        """Compare what was measured with the thresholds that were set for this run."""
        return check_thresholds(self.measured, ThresholdSettings(**self.report.thresholds))

    @property
    def log_entries(self) -> list[tuple[float, str]]:
        """List the key entries by the seconds at which they happened, START first, END last."""
        report = self.report
        entries = [(0.0, f"START RunId: {report.run_id}")]
        for phase, (begin, end) in report.spans.items():
            began, ended = self._phase(phase)
            entries += [(begin, f"INFO: {began}")] if began else []
            entries.append((end, f"INFO: {ended}"))
        allocated = f"{report.allocated_mb:g} MB" if report.allocated_mb else NOT_MEASURED
        used = f"{report.memory_mb:.1f} MB\tMemory Size: {allocated}"
        entries.append((report.seconds, f"END RunId: {report.run_id}"))
        last = f"REPORT Duration: {report.seconds * 1000:.1f} ms\tMemory Used: {used}"
        return sorted([*entries, (report.seconds, last)], key=lambda entry: entry[0])

    def _phase(self, phase: str) -> tuple[str, str]:
        report = self.report
        session = "logged in" if report.browser_opened else "cached cookies"
        read = f"RC03={report.bookings_confirmed}, RC08={report.bookings_completed}"
        sent = f"total={self.sent}, failures={self.not_accepted}; writes={report.writes}"
        return {
            "session": ("Asking for Naver's session", f"Naver session done ({session})"),
            "booking api": (
                f"Fetching bookings from {len(report.stores)} stores",
                f"Bookings fetched: {read}",
            ),
            "quality": ("", f"Quality checked: quarantined={report.quarantined}"),
            "decide": ("", f"Messages decided: planned={self.owed}"),
            "delivery": ("Delivery begins", f"SMS sent: {sent}"),
            "notifications": ("Sending notifications", "Notifications done"),
        }.get(phase, ("", f"Done: {phase}"))

    # -- what was done ----------------------------------------------------------------------------

    @property
    def writes_agree(self) -> bool:
        """Tell whether no contradiction is about writes to the table."""
        return not any("write" in contradiction for contradiction in self.contradictions)

    @property
    def lost_channels(self) -> list[str]:
        """List the owner's channels that the summary did not reach."""
        problems = self.report.problems
        return [name for name in CHANNELS if any(f"did not reach {name}" in p for p in problems)]

    @cached_property
    def groups(self) -> Sequence[MessageGroup]:
        """List the kinds of messages, apart for new and for existing bookings where known."""
        rows = self.report.deliveries
        if rows is None:
            return [
                MessageGroup(kind, None, count, {"accepted": self.report.messages.get(kind, 0)})
                for kind, count in self.report.planned.items()
            ]
        names = {(row["kind"], row["new"]) for row in rows}
        usual = {("confirmation", True), ("guide", True), ("guide", False), ("event", False)}
        order = {kind: index for index, kind in enumerate(self.report.planned)}
        by_kind = sorted(names | usual, key=lambda n: (order.get(n[0], len(order)), not n[1]))
        groups = []
        for kind, new in by_kind:
            mine = [row for row in rows if (row["kind"], row["new"]) == (kind, new)]
            planned = sum(bool(row["planned"]) for row in mine)
            outcomes = Counter(str(row["outcome"]) for row in mine)
            groups.append(MessageGroup(kind, new, planned, outcomes))
        return groups

    def served(self, store_id: str | None = None) -> int | None:
        """Count the bookings that were owed a message; None when the report does not tell."""
        if self.report.deliveries is None:
            return None
        rows = [row for row in self.report.deliveries if row["planned"]]
        return len({row["booking"] for row in rows if store_id in (None, row["store_id"])})

    @property
    def stores(self) -> list[dict[str, Any]]:
        """List what each store's customers got."""
        return [
            {
                **store,
                "id": store["store_id"],
                "sent": sum(store["messages"].values()),
                "not_accepted": _bad(store["outcomes"]),
                "served": self.served(store["store_id"]),
            }
            for store in self.report.stores
        ]

    # -- what it comes to -------------------------------------------------------------------------

    @property
    def issues(self) -> dict[str, list[str]]:
        """Sort what is wrong by severity; an empty list is a severity without an issue."""
        report, check = self.report, self.report.crosscheck
        broke_off = [] if report.stores else list(report.problems)
        high = [] if broke_off else list(report.problems)
        high += [f"too late: {r['kind']} of booking {r['booking']}" for r in report.expired]
        medium = [f"{r.metric} is {r.value}, not {r.threshold}" for r in missed(self.thresholds)]
        if count := report.quarantined:
            medium.append(f"bookings with broken data: {count}, see the artifact *quarantine*")
        young = check.not_yet if check else 0
        return {
            "Critical": [*self.contradictions, *broke_off],
            "High": high,
            "Medium": medium,
            "Low": [f"not cross-checked: {why}" for why in (check.why_not if check else ())],
            "Warnings": [f"{young} messages are not in SENS's log yet"] if young else [],
        }


def _bad(outcomes: Mapping[str, int]) -> int:
    return sum(count for outcome, count in outcomes.items() if outcome not in GOOD)


def render(report: RunReport, *, parity: Mapping[str, Any] | None = None) -> str:
    """Write the run's document; FAILED when the run is, or when two of its figures differ."""
    return render_page(
        "document.md.j2",
        report=report,
        view=DocumentView(report),
        parity=parity,
        channels=CHANNELS,
    )
