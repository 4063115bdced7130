"""A report as the document reads it: every figure with its name, and None for what is unknown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from naverplace.reporting.report import RunReport, find_differing_figures
from naverplace.reporting.sent_crosscheck import CrossCheck
from naverplace.reporting.thresholds import NOT_MEASURED, Judged, Measured, judge
from naverplace.settings.sections import ThresholdSettings

GOOD = ("accepted", "adopted", "skipped")
UNSENT = "not_sent"


@dataclass(frozen=True)
class Group:
    """The messages of one kind, for bookings that are new with us or not."""

    kind: str
    new: bool | None  # None: the report does not tell
    planned: int
    outcomes: Mapping[str, int]

    @property
    def title(self) -> str:
        """Name the group as the seed's document does."""
        whose = {True: " for new bookings", False: " for existing bookings", None: ""}[self.new]
        return f"{self.kind.capitalize()} SMS{whose}"


@dataclass(frozen=True)
class View:
    """One report, ready to be written down."""

    report: RunReport
    parity: Mapping[str, Any] | None = None

    @cached_property
    def contradictions(self) -> tuple[str, ...]:
        """List what did not balance in the run, or does not balance in its report."""
        return self.report.contradictions or find_differing_figures(self.report)

    @property
    def failed(self) -> bool:
        """Tell whether the run or its figures are not in order."""
        return self.report.status != "success" or bool(self.contradictions)

    @property
    def sent(self) -> int:
        """Count the messages that SENS accepted in this run."""
        return sum(self.report.messages.values())

    @property
    def not_accepted(self) -> int:
        """Count the messages that somebody must look at."""
        return sum(n for name, n in self.report.outcomes.items() if name not in GOOD)

    @property
    def check(self) -> CrossCheck | None:
        """Give the cross-check with table and log, if it was made."""
        return self.report.crosscheck

    @property
    def started(self) -> datetime:
        """Tell when the run began, as exactly as the report knows."""
        return datetime.fromisoformat(self.report.started or self.report.now)

    @property
    def ended(self) -> datetime:
        """Tell when the run had told the owner."""
        return self.at(self.report.seconds)

    def at(self, seconds: float) -> datetime:
        """Turn seconds since the start into a time of the day."""
        return self.started + timedelta(seconds=seconds)

    @cached_property
    def groups(self) -> Sequence[Group]:
        """List the kinds of messages, apart for new and for existing bookings where known."""
        rows = self.report.deliveries
        if rows is None:
            return [
                Group(kind, None, planned, {"accepted": self.report.messages.get(kind, 0)})
                for kind, planned in self.report.planned.items()
            ]
        names = {(row["kind"], row["new"]) for row in rows}
        usual = {("confirmation", True), ("guide", True), ("guide", False), ("event", False)}
        order = {kind: at for at, kind in enumerate(self.report.planned)}
        return [
            _group(rows, kind, new)
            for kind, new in sorted(
                names | usual, key=lambda name: (order.get(name[0], len(order)), not name[1])
            )
        ]

    def served(self, store_id: str | None = None) -> int | None:
        """Count the bookings that were owed a message; None when the report does not tell."""
        if self.report.deliveries is None:
            return None
        return len(
            {
                row["booking"]
                for row in self.report.deliveries
                if row["planned"] and store_id in (None, row["store_id"])
            }
        )

    @cached_property
    def measured(self) -> Measured:
        """Give the figures that have a threshold."""
        report = self.report
        begin, end = report.spans.get("booking api", (None, None))
        return Measured(
            total_seconds=report.seconds,
            booking_api_seconds=end - begin if begin is not None and end is not None else None,
            dynamodb_seconds=self.wall("dynamodb"),
            sms_seconds=self.wall("sms"),
            notification_seconds=self.wall("notifications"),
            memory_mb=report.memory_mb,
            allocated_mb=report.allocated_mb,
        )

    @cached_property
    def judged(self) -> tuple[Judged, ...]:
        """Compare what was measured with the thresholds that were set for this run."""
        return judge(self.measured, ThresholdSettings(**self.report.thresholds))

    def wall(self, name: str) -> float | None:
        """Tell the seconds in which calls of this kind were under way; None: not measured."""
        calls = self.report.calls.get(name)
        return calls["wall"] if calls else None

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


def _group(rows: Sequence[Mapping[str, Any]], kind: str, new: bool) -> Group:
    mine = [row for row in rows if (row["kind"], row["new"]) == (kind, new)]
    return Group(
        kind,
        new,
        sum(bool(row["planned"]) for row in mine),
        dict(Counter(str(row["outcome"]) for row in mine)),
    )


def mark(holds: bool | None) -> str:
    """Show how a check ended; nothing is ticked that was not checked."""
    return {True: "✅", False: "❌", None: "(not measured)"}[holds]


def moment(when: datetime) -> str:
    """Write a time of the day with its offset, to the millisecond."""
    return when.isoformat(timespec="milliseconds")
