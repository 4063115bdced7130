"""The thresholds of one run: what was measured, what is allowed, and whether it holds; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from naverplace.settings.sections import ThresholdSettings

NOT_MEASURED = "not measured"
_TIMES = {  # by field of Measured and ThresholdSettings
    "total_seconds": "Total Duration",
    "booking_api_seconds": "API Call Duration",
    "dynamodb_seconds": "DynamoDB Operations",
    "sms_seconds": "SMS Sending",
    "notification_seconds": "Notification Sending",
}


@dataclass(frozen=True)
class Measured:
    """The figures of one run that have a threshold; None is what nobody measured."""

    total_seconds: float | None = None
    booking_api_seconds: float | None = None  # wall clock, pauses between questions included
    dynamodb_seconds: float | None = None  # wall clock while a call was under way
    sms_seconds: float | None = None  # the same, of handing messages to SENS
    notification_seconds: float | None = None  # the same, of Telegram and Slack
    memory_mb: float | None = None  # peak of the process, without Chromium
    allocated_mb: float | None = None


@dataclass(frozen=True)
class ThresholdRow:
    """One row of the table of thresholds."""

    metric: str
    value: str
    threshold: str
    holds: bool | None  # None: not measured

    @property
    def mark(self) -> str:
        """Show whether it holds; nothing is ticked that was not measured."""
        return {True: "✅", False: "❌", None: NOT_MEASURED}[self.holds]


def check_thresholds(
    measured: Measured, limits: ThresholdSettings | None = None
) -> tuple[ThresholdRow, ...]:
    """Compare every figure with its threshold, in the order of the seeds' table."""
    limits = limits or ThresholdSettings()
    times = [
        _compare(metric, getattr(measured, name), getattr(limits, name))
        for name, metric in _TIMES.items()
    ]
    memory = _compare("Memory Peak", measured.memory_mb, limits.memory_mb, unit=" MB", digits=1)
    return (*times, memory, _efficiency(measured, limits.memory_share))


def missed(rows: Sequence[ThresholdRow]) -> list[ThresholdRow]:
    """List the rows whose threshold does not hold."""
    return [row for row in rows if row.holds is False]


def _compare(
    metric: str, value: float | None, limit: float, *, unit: str = "s", digits: int = 3
) -> ThresholdRow:
    threshold = f"< {limit:g}{unit}"
    if value is None:
        return ThresholdRow(metric, NOT_MEASURED, threshold, None)
    shown = round(value, digits)  # judged as it is shown, so that a reader comes to the same end
    return ThresholdRow(metric, f"{shown:.{digits}f}{unit}", threshold, shown < limit)


def _efficiency(measured: Measured, limit: float) -> ThresholdRow:
    """Tell the share of the allocated memory that was used, which nobody knows without both."""
    metric, threshold = "Memory Efficiency", f"> {limit:.0%}"
    if measured.memory_mb is None or not measured.allocated_mb:
        return ThresholdRow(metric, NOT_MEASURED, threshold, None)
    share = round(measured.memory_mb / measured.allocated_mb, 3)
    return ThresholdRow(metric, f"{share:.1%}", threshold, share > limit)
