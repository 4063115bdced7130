"""What was switched, when, by whom and why: a list in table `session` that is only added to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from naverplace.aws.table import StateTable

ITEM = "naverplace-switch"


class CutoverLog:
    """The audit trail of all switches."""

    def __init__(self, session: StateTable) -> None:
        self.session = session

    def add(self, entry: Mapping[str, Any]) -> None:
        """Add an entry at the end. Raises Transient, Permanent."""
        self.session.table.append({"id": ITEM}, "entries", dict(entry))

    def entries(self) -> list[dict[str, Any]]:
        """List all entries, the oldest first; one written twice by a retry counts once."""
        found = (self.session.get(ITEM) or {}).get("entries", [])
        return list({str(entry.get("id")): dict(entry) for entry in found}.values())
