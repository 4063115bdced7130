"""What was done to the image, what came of it, and what nobody has run."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

NOT_RUN = (
    "a build by Docker, BuildKit or another engine: layers, cache and real sizes are not known",
    "the image debian:bookworm-slim itself: a root made by debootstrap stood for it",
    "a registry: nothing was pushed, pulled, signed or scanned",
    "seccomp and AppArmor profiles, cgroup limits, a network of its own",
    "Lambda, Fargate and ECS themselves: neither their kernels nor their limits",
    "the real Naver, SENS, Telegram and AWS: the sandbox stood for them",
)


class CheckFailed(Exception):
    """Something of the image is not as it must be; the text says what."""


@dataclass
class Report:
    """Steps with their seconds, facts, and failures."""

    say: Callable[[str], None] = lambda line: _print(line)
    steps: list[dict[str, Any]] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def note(self, step: str, seconds: float) -> None:
        """Keep a step of the build."""
        self.steps.append({"step": step, "seconds": round(seconds, 1)})
        self.say(f"{seconds:7.1f} s  {step}")

    @contextlib.contextmanager
    def check(self, what: str) -> Iterator[None]:
        """Keep whether what happens inside of it went well; a failure stops nothing else."""
        started, error = monotonic(), ""
        try:
            yield
        except Exception as failed:  # noqa: BLE001 - every check is carried out
            error = f"{type(failed).__name__}: {failed}"
        seconds = round(monotonic() - started, 1)
        self.checks.append({"check": what, "ok": not error, "seconds": seconds, "error": error})
        self.say(f"{seconds:7.1f} s  {'ok  ' if not error else 'FAIL'} {what}")
        if error:
            self.say(error)

    @property
    def good(self) -> bool:
        """Tell whether everything that was checked is as it must be."""
        return bool(self.checks) and all(one["ok"] for one in self.checks)

    def as_json(self) -> dict[str, Any]:
        """Give the whole as plain JSON values."""
        kept = {"good": self.good, "steps": self.steps, "checks": self.checks}
        return {**kept, "facts": self.facts, "not_run": list(NOT_RUN)}

    def summary(self) -> None:
        """Say how it ended, with sizes and with what was not run."""
        for name, fact in self.facts.items():
            self.say(f"{name}: {fact}")
        self.say("not run here:")
        for line in NOT_RUN:
            self.say(f"  - {line}")
        bad = [one["check"] for one in self.checks if not one["ok"]]
        self.say(f"{len(self.checks) - len(bad)} of {len(self.checks)} checks are good")


def must(what: bool, told: str) -> None:
    """Raise CheckFailed with the text unless it is so."""
    if not what:
        raise CheckFailed(told)


def _print(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
