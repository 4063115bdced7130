"""What the checks of the image said, its facts, and what was not run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

NOT_RUN = (
    "the image debian:bookworm-slim itself: a root made by mmdebstrap is the base here",
    "Docker and BuildKit: buildah built the image, podman and runc ran it",
    "a registry: nothing was pushed, pulled, signed or scanned",
    "AppArmor, a network of its own: the containers used this machine's network",
    "Lambda, Fargate and ECS themselves: neither their kernels nor their limits",
    "the real Naver, SENS, Telegram and AWS: the sandbox stood for them",
)


class CheckFailed(Exception):
    """Something of the image is not as it must be; the text says what."""


@dataclass
class Report:
    """Checks with their seconds and errors, and facts by their names."""

    checks: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def check(self, name: str) -> Iterator[None]:
        """Record whether the block passes; a failure does not stop the other checks."""
        started, error = monotonic(), ""
        try:
            yield
        except Exception as failure:  # noqa: BLE001 - every check is carried out
            error = f"{type(failure).__name__}: {failure}"
        seconds = round(monotonic() - started, 1)
        self.checks.append({"check": name, "ok": not error, "seconds": seconds, "error": error})
        say(f"{seconds:7.1f} s  {'FAIL' if error else 'ok  '} {name}")
        if error:
            say(error)

    @property
    def passed(self) -> bool:
        """Tell whether there were checks and all of them passed."""
        return bool(self.checks) and all(check["ok"] for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        kept = {"good": self.passed, "checks": self.checks, "facts": self.facts}
        return {**kept, "not_run": list(NOT_RUN)}

    def summary(self) -> None:
        """Print the facts, what was not run, and how many checks passed."""
        for name, fact in self.facts.items():
            if isinstance(fact, list):
                say(f"{name}:", *(f"  {line}" for line in fact))
            else:
                say(f"{name}: {fact}")
        say("not run here:", *(f"  - {line}" for line in NOT_RUN))
        passed = sum(check["ok"] for check in self.checks)
        say(f"{passed} of {len(self.checks)} checks passed")


def require(condition: bool, message: str) -> None:
    """Raise CheckFailed with the message unless the condition holds."""
    if not condition:
        raise CheckFailed(message)


def say(*lines: str) -> None:
    """Print lines to standard error at once: standard output is for --json."""
    print(*lines, sep="\n", file=sys.stderr, flush=True)  # noqa: T201
