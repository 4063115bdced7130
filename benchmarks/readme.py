"""What was measured, as the README tells it; `make bench` writes it there itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.doors import Measured

README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN, END = "<!-- make bench writes this -->", "<!-- until here -->"
NAMES = {
    "legacy": "legacy",
    "flow": "Prefect flow",
    "cli": "`naverplace run`",
    "lambda": "Lambda",
}


def write(runs: Mapping[str, Sequence[Measured]], figures: Mapping[str, Any]) -> None:
    """Put table and figures between the marks. Raises ValueError when the README lacks them."""
    before = README.read_text("utf-8")
    if before.count(BEGIN) != 1 or before.count(END) != 1:
        raise ValueError(f"README.md must have {BEGIN} and {END} once")
    said = f"{BEGIN}\n{words(runs, figures)}\n{END}"
    marked = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    README.write_text(marked.sub(lambda _: said, before), "utf-8")


def words(runs: Mapping[str, Sequence[Measured]], figures: Mapping[str, Any]) -> str:
    """Write the table of the doors, and what a booking, a verdict and a process cost."""
    rows = ["| | first run | second run | requests to Naver |", "|---|---|---|---|"]
    for door, name in NAMES.items():
        first, second = runs[door]
        asked = max(run.naver_requests for run in runs[door])
        most = max(run.naver_at_once for run in runs[door])
        at_once = "one at a time" if most == 1 else f"at most {most} at once"
        rows.append(f"| {name} | {first.steps:.1f} s | {second.steps:.1f} s | {asked}, {at_once} |")
    sizes = sorted(figures["mb"])
    costs = [
        f"{figures['cpu_ms_per_booking'][size]} ms and {figures['mb'][size]} MB of {size:,}"
        for size in sizes
    ]
    beside = figures["zen_verdicts_per_s"]  # None where its wheel is not installed
    zen = f"; ZEN makes {beside:,}" if beside else ""
    return "\n".join(
        [
            f"The longest chain of answers takes {figures['chain_s']} s.",
            "",
            *rows,
            "",
            f"In a run without waiting, processor time of a booking and memory of the largest "
            f"process by bookings: {', '.join(costs)}. A run by a worker, process start to end: "
            f"{figures['process_s']} s ({figures['process_cpu_s']} s of processor time, "
            f"{figures['peak_mb']} MB the largest process, {figures['all_mb']} MB all). "
            f"{figures['verdicts_per_s']:,} verdicts are made in a second{zen}.",
        ]
    )
