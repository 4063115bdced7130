"""What a Prefect server does with ticks and tells by itself, as deployments/automations.yaml says.

It stands in for the real one, which could not play a day in minutes: it knows slots, workers that
are gone, runs that are late, crashed or cancelled, and the triggers of the automations.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import yaml

from trials.day.schedule import ROOT, Deployment

LATE = timedelta(seconds=15)  # after which a run that nobody starts is late
HEARD = timedelta(seconds=540)  # a run that is not heard of for so long has crashed
EVENT = "prefect.flow-run."


@dataclass
class PrefectServer:
    """The server of one day; `tell` reaches whom the automations' webhooks reach."""

    tell: Callable[[str], None]
    up: bool = True
    worker: bool = True
    paused: set[str] = field(default_factory=set)  # flows whose deployments somebody switched off
    running: dict[str, datetime] = field(default_factory=dict)  # by deployment, since
    waiting: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    _triggers: list[_Trigger] = field(default_factory=list)

    def __post_init__(self) -> None:
        text = (ROOT / "deployments" / "automations.yaml").read_text("utf-8")
        self._triggers = [
            _Trigger(entry) for entry in yaml.safe_load(text)["automations"] if entry.get("tell")
        ]

    def due(self, deployment: Deployment, at: datetime) -> bool:
        """Tell whether the run of this tick begins now."""
        if deployment.flow in self.paused:
            return False
        if not (self.up and self.worker):
            self.waiting[deployment.name].append(at)
            return False
        if deployment.name in self.running:
            self.event("Cancelled", deployment, at)
            return False
        return True

    def late(self, deployment: Deployment, planned: datetime, at: datetime) -> None:
        """Call a run late that still waits."""
        if self.up and planned in self.waiting[deployment.name]:
            self.event("Late", deployment, at)

    def taken_up(self, deployment: Deployment, at: datetime) -> bool:
        """Let the worker take what waits: of a deployment's late runs one begins."""
        planned = self.waiting.pop(deployment.name, [])
        for _ in planned[1:]:
            self.event("Cancelled", deployment, at)
        return bool(planned)

    def event(self, state: str, deployment: Deployment, at: datetime, message: str = "") -> None:
        """Note a run's state, and tell what the automations tell of it."""
        values = {
            "flow.name": deployment.flow,
            "flow_run.name": f"{at:%m-%d %H:%M}",
            "flow_run.state.name": state,
            "flow_run.state.message": message,
            "flow_run|ui_url": "http://127.0.0.1:4200/runs/flow-run/0",
        }
        for trigger in self._triggers:
            if trigger.fires(EVENT + state, deployment, at):
                self.tell(trigger.worded(values))

    def look(self, at: datetime) -> None:
        """Tell what has not happened for too long."""
        if self.up:
            for trigger in self._triggers:
                if trigger.is_missing(at):
                    self.tell(trigger.worded({}))


class _Trigger:
    """One automation's trigger (Prefect's `event` triggers, Reactive and Proactive)."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        trigger = entry["trigger"]
        self.text = str(entry["text"]).strip()
        self.proactive = trigger["posture"] == "Proactive"
        self.expect = set(trigger["expect"])
        self.flows = set(entry["flows"])
        self.threshold = int(trigger.get("threshold", 1))
        self.within = timedelta(seconds=float(trigger.get("within", 0)))
        self.after = set(trigger.get("after", ()))
        self.each_run = "prefect.resource.id" in trigger.get("for_each", ())
        self._seen: deque[datetime] = deque()
        self._fired: datetime | None = None
        self._heard: datetime | None = None

    def fires(self, event: str, deployment: Deployment, at: datetime) -> bool:
        """Tell whether this event makes it act."""
        if event not in self.expect or deployment.flow not in self.flows:
            return False
        if self.proactive:
            self._heard = at
            return False
        if self.each_run:  # a bucket of its own for every run
            return self.threshold <= 1
        if self._fired and at - self._fired < self.within:  # once in a bucket
            return False
        self._seen.append(at)
        while self.within and self._seen[0] < at - self.within:
            self._seen.popleft()
        if len(self._seen) < self.threshold:
            return False
        self._seen.clear()
        self._fired = at
        return True

    def is_missing(self, at: datetime) -> bool:
        """Tell whether what it expects has not come for too long; then it waits anew."""
        if not self.proactive or self.after or self._heard is None:
            return False
        if at - self._heard < self.within:
            return False
        self._heard = at
        return True

    def worded(self, values: Mapping[str, str]) -> str:
        """Fill in the text."""
        body = re.sub(r"\{\{ *([\w.|]+) *\}\}", lambda m: values.get(m[1], ""), self.text)
        return f"🚨 naverplace\n{body}"
