"""How many examples a property test tries: few in the gate, many at night."""

from __future__ import annotations

import os

GATE_EXAMPLES = 50


def examples(nightly: int) -> int:
    """Give the number for `max_examples`: `nightly`, but in the gate at most GATE_EXAMPLES."""
    gate = os.environ.get("HYPOTHESIS_PROFILE", "gate") == "gate"
    return min(nightly, GATE_EXAMPLES) if gate else nightly
