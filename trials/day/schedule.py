"""What prefect.yaml starts on a day, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

# What Prefect itself reads a schedule with; it has no types.
croniter: Any = import_module("prefect._vendor.croniter").croniter
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Deployment:
    """One deployment with an active schedule: its names at Prefect, and what it starts."""

    name: str
    flow: str  # Prefect's name, with hyphens
    crons: tuple[tuple[str, str], ...]  # with their time zones

    def ticks(self, begin: datetime, end: datetime) -> Iterator[datetime]:
        """Give every tick from `begin` until before `end`."""
        for cron, zone in self.crons:
            start = begin.astimezone(ZoneInfo(zone))
            if croniter.match(cron, start):
                yield start
            each = croniter(cron, start, ret_type=datetime)
            while (at := each.get_next()) < end:
                yield at


def deployments() -> list[Deployment]:
    """List what has an active schedule."""
    read: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))
    found = []
    for entry in read["deployments"]:
        crons = tuple((s["cron"], s["timezone"]) for s in entry["schedules"] if s["active"])
        if crons:
            flow = entry["entrypoint"].rpartition(":")[2].replace("_", "-")
            found.append(Deployment(entry["name"], flow, crons))
    return found
