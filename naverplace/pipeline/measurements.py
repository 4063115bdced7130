"""What a run has cost so far: seconds, calls and memory, as its report keeps them."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Mapping
from typing import Any

from naverplace.aws.dynamodb import DYNAMODB
from naverplace.base.timing import Calls
from naverplace.domain.effects import CHANNELS
from naverplace.pipeline.context import RunContext

LAMBDA_MEMORY = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"  # set by AWS Lambda, in MB


def collect_measurements(
    run: RunContext, environment: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """Read stopwatch and memory, under the names of the report's fields."""
    watch = run.watch
    names = {DYNAMODB: (DYNAMODB,), "sms": ("sms",), "notifications": CHANNELS}
    names |= {channel: (channel,) for channel in CHANNELS}
    return {
        "phases": {name: round(seconds, 3) for name, seconds in watch.phases().items()},
        "spans": {n: (round(b, 3), round(e, 3)) for n, (b, e) in watch.spans().items()},
        "calls": {name: _row(watch.calls(*those)) for name, those in names.items()},
        "seconds": round(watch.seconds(), 3),
        "memory_mb": round(_peak_memory_mb(), 1),
        "allocated_mb": _allocated_mb(run, environment),
        "thresholds": run.settings.thresholds.model_dump(),
    }


def _row(calls: Calls) -> dict[str, float]:
    return {
        "count": calls.count,
        "wall": round(calls.wall, 3),
        "summed": round(calls.summed, 3),
    }


def _allocated_mb(run: RunContext, environment: Mapping[str, str]) -> float | None:
    told = environment.get(LAMBDA_MEMORY, "")
    return float(told) if told.isdigit() else run.settings.document.allocated_mb


def _peak_memory_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 / (1024 if sys.platform == "darwin" else 1)  # Linux counts kilobytes
