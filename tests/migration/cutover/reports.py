"""A report of parity that says GO, as a file has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def parity_report(evidence: Sequence[dict[str, Any]], **words: Any) -> dict[str, Any]:
    """Write a GO with this evidence; `words` are other keys of it, or other values."""
    report: dict[str, Any] = {
        "kind": "replay",
        "first": None,
        "last": None,
        "runs": 1,
        "rules_version": "",
        "verdict": "GO",
        "why": [],
        "aa_differences": 0,
        "decisions": 900,
        "unexplained": 0,
        "accepted": {},
        "noise": 0,
        "bound_95": 0.001,
        "evidence": list(evidence),
        "differences": [],
    }
    return {**report, **words}
