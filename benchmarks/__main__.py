"""`make bench`: the legacy, the flow, the command and the Lambda side by side in one world.

Prints a table, writes it into README.md, draws its curves into docs/images, and ends with one JSON
object. The README says what was measured last, so commit it from a machine that did nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import curves, deciding, plain_deciding, readme, short, zen_deciding
from benchmarks.doors import DOORS, Measured, measure
from benchmarks.growth import grow, slope, times
from benchmarks.shop import chain_seconds, open_shop
from sandbox.prefect_server import PrefectServer

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
SIZES = (5_000, 20_000, 100_000)
RUNS = ("first run", "second run")


def main() -> int:
    """Measure everything; exit code 1 when a verdict differs from the plain way's."""
    words = _arguments()
    if words.short:
        return short.main()
    console = Console(stderr=True)
    console.print(f"{os.cpu_count()} processors, {platform.machine()}, load {os.getloadavg()[0]}")
    runs: dict[str, list[Measured]] = {}
    with PrefectServer() as server:
        for door in DOORS:
            with open_shop() as shop:
                used = server if door == "flow" else None
                runs[door] = [measure(door, shop, server=used) for _ in RUNS]
            console.print(f"{door}: {', '.join(f'{run.steps:.1f} s' for run in runs[door])}")
    sizes = grow(words.sizes)
    decided = deciding.main(words.bookings)
    decided |= zen_deciding.main(deciding.bookings(zen_deciding.BOOKINGS))
    differing = plain_deciding.differences(words.cases)
    _draw(runs, sizes)
    console.print(_table(runs))
    for line in differing[:5]:
        console.print(line)
    figures = _figures(runs, sizes, decided) | {"verdicts_differ": len(differing)}
    readme.write(runs, figures)
    sys.stdout.write(json.dumps(figures) + "\n")
    return 1 if differing else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs=3, default=SIZES, help="bookings of the growth")
    parser.add_argument("--bookings", type=int, default=250_000, help="that are decided about")
    parser.add_argument("--cases", type=int, default=100_000, help="compared with the plain way")
    parser.add_argument("--short", action="store_true", help="only whether the ratio is kept")
    return parser.parse_args()


def _figures(
    runs: dict[str, list[Measured]], sizes: dict[int, Measured], decided: dict[str, float]
) -> dict[str, Any]:
    flow, legacy = runs["flow"], runs["legacy"]
    slower = max(range(len(RUNS)), key=lambda n: flow[n].steps / legacy[n].steps)
    cpu = {size: run.cpu for size, run in sizes.items()}
    memory = {size: run.peak_mb for size, run in sizes.items()}
    return {
        **{
            f"{door}_s": [round(run.steps, 2) for run in measured]
            for door, measured in runs.items()
        },
        "ratio": round(legacy[slower].steps / flow[slower].steps, 1),
        "chain_s": round(chain_seconds(), 1),
        "ratio_to_limit": round(flow[slower].steps / chain_seconds(), 2),
        "naver_requests": {door: max(r.naver_requests for r in runs[door]) for door in DOORS},
        "naver_at_once": max(run.naver_at_once for door in DOORS for run in runs[door]),
        "sends": {door: [run.sends for run in runs[door]] for door in DOORS},
        "process_s": round(flow[1].process, 1),
        "process_cpu_s": round(flow[1].cpu, 1),
        "peak_mb": round(flow[1].peak_mb),
        "all_mb": round(flow[1].all_mb),
        "lambda_cold_s": round(runs["lambda"][0].cold, 2),
        "cpu_ms_per_booking": {s: round(1000 * seconds / s, 2) for s, seconds in cpu.items()},
        "mb": {size: round(peak) for size, peak in memory.items()},
        "growth_cpu": round(slope(cpu), 2),
        "growth_mb": round(times(memory), 2),
        "growth_s": {size: round(run.steps, 1) for size, run in sizes.items()},
        "growth_sends": {size: run.sends for size, run in sizes.items()},
        "verdicts_per_s": decided["verdicts_per_s"],
        "zen_verdicts_per_s": decided["zen_verdicts_per_s"],
    }


def _table(runs: dict[str, list[Measured]]) -> Table:
    table = Table(title=f"the longest chain of answers takes {chain_seconds():.1f} s")
    for name in ("door", "run", "steps s", "waiting s", "process s", "CPU s", "MB", "to Naver"):
        table.add_column(name)
    for door, measured in runs.items():
        for name, run in zip(RUNS, measured, strict=True):
            seconds = (run.steps, run.waited, run.process, run.cpu)
            shown = [f"{value:.1f}" for value in seconds]
            naver = f"{run.naver_requests}, {run.naver_at_once} at once"
            table.add_row(door, name, *shown, f"{run.peak_mb:.0f}", naver)
    return table


def _draw(runs: dict[str, list[Measured]], sizes: dict[int, Measured]) -> None:
    seconds = {f"{door}, {RUNS[1]}": measured[1].steps for door, measured in runs.items()}
    seconds["longest chain"] = chain_seconds()
    doors = curves.bars("Seconds of a run, the same answers' times", seconds)
    (IMAGES / "bench-doors.svg").write_text(doors, "utf-8")
    grown = curves.lines(
        "A whole plain run, nobody waiting",
        {
            "seconds of processor time": {size: run.cpu for size, run in sizes.items()},
            "MB at the peak": {size: run.peak_mb for size, run in sizes.items()},
        },
    )
    (IMAGES / "bench-growth.svg").write_text(grown, "utf-8")


if __name__ == "__main__":
    sys.exit(main())
