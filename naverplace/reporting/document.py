"""The run summary document: what one run saw, did and cost; pure.

The template has the words, `DocumentView` the figures with their names; None is what is unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from operator import itemgetter
from typing import Any

from naverplace.domain.effects import CHANNELS
from naverplace.reporting.markdown import render_page
from naverplace.reporting.report import RunReport, find_differing_figures
from naverplace.reporting.thresholds import Measured, ThresholdRow, check_thresholds, missed
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
    def verdict(self) -> str:
        """Give the one word on the run, wherever the document says how it ended."""
        return "FAILED ❌" if self.failed else f"{self.report.verdict} ✅"

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

    def calls(self, name: str) -> int:
        """Count the calls of this kind; 0 also when nobody counted them."""
        return int(self.report.calls.get(name, {}).get("count", 0))

    @cached_property
    def measured(self) -> Measured:
        """Give the figures that have a threshold."""
        report = self.report
        begin, end = report.spans.get("booking api", (None, None))
        wall = {name: calls["wall"] for name, calls in report.calls.items()}
        return Measured(
            total_seconds=report.seconds,
            booking_api_seconds=end - begin if begin is not None and end is not None else None,
            dynamodb_seconds=wall.get("dynamodb"),
            sms_seconds=wall.get("sms"),
            notification_seconds=wall.get("notifications"),
            memory_mb=report.memory_mb,
            allocated_mb=report.allocated_mb,
        )

    @cached_property
    def thresholds(self) -> tuple[ThresholdRow, ...]:
        """Compare what was measured with the thresholds that were set for this run."""
        return check_thresholds(self.measured, ThresholdSettings(**self.report.thresholds))

    @property
    def log_marks(self) -> list[tuple[float, str, str]]:
        """List the seconds at which each phase began and ended, in the order of time."""
        marks: list[tuple[float, str, str]] = []
        for phase, (begin, end) in self.report.spans.items():
            marks += [(begin, phase, "began"), (end, phase, "ended")]
        return sorted(marks, key=itemgetter(0))

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
        medium = [f"newer files are refused: {mistake}" for mistake in report.rulebook.mistakes]
        medium += [f"{r.metric} is {r.value}, not {r.threshold}" for r in missed(self.thresholds)]
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
        "document.md.j2", report=report, view=DocumentView(report), parity=parity, channels=CHANNELS
    )
