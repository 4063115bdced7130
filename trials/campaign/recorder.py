"""The history of a case: every write of a message in DynamoDB, and all that SENS took."""

from __future__ import annotations

import time

from sandbox.memory_dynamodb.tables import MemoryTables
from sandbox.server import Sandbox
from trials.histories import Taken
from trials.recorded_tables import WAYS, RecordedTables


class Recorder:
    """Makes the tables of a sandbox, new ones for each case, and has their history judged."""

    def __init__(self) -> None:
        self._tables = RecordedTables({}, time.time)

    def make_tables(self) -> MemoryTables:
        """Make empty tables, whose history begins now."""
        self._tables = RecordedTables({}, time.time)
        return self._tables

    def judge(self, sandbox: Sandbox) -> list[str]:
        """Say what is wrong with the history since the tables were made."""
        history = self._tables.history
        history.taken = [Taken(m["requestId"], m["to"]) for m in sandbox.messages()]
        return [f"history: {wrong}" for wrong in history.judge(WAYS)]
