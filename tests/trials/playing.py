"""A trial, played as a person would: its threads and forks are not pytest's."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Played:
    """How a trial ended."""

    code: int
    final: dict[str, Any]  # its last line
    out: str
    err: str


def play(module: str, *words: str, timeout: float = 900) -> Played:
    """Play a trial to its end, which is one JSON object."""
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.stdout, done.stderr[-3000:]
    final = json.loads(done.stdout.splitlines()[-1])
    return Played(done.returncode, final, done.stdout, done.stderr)
