"""Whether the legacy beside us is dead: the guides that it owes by now and has not sent; pure.

It writes a guide's flag before it sends (L12, L14), so a flag that is still False shows runs that
died, or never began (L27, L28, L30). Its error text on Telegram is no help: no bot can read what it
has sent itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from naverplace.domain.due_messages import DueMessage, DueMessages
from naverplace.domain.effects import RecordKey
from naverplace.domain.records import Record
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.ledger.scan import digits_of
from naverplace.ledger.store_state import Ownership

PERIOD = timedelta(minutes=20)  # from one run of the legacy to the next
WINDOW = timedelta(hours=2)  # before the start, in which it sends the guide


@dataclass(frozen=True)
class LegacyDuties:
    """What the legacy owes in its stores at a moment, and the records of what is listed there."""

    now: datetime
    longest_run: timedelta
    stores: Mapping[str, tuple[Ownership, DueMessages]]  # with what our last run saw listed
    records: Mapping[RecordKey, Record]

    def missed(self, sens_log: Iterable[SmsLogEntry] = ()) -> dict[str, int]:
        """Count the missing guides by store; a message of the legacy proves all before it wrong."""
        ahead = (r.key for r in self.records.values() if r.start and r.start > self.now)
        numbers = {digits_of(key.phone) for key in ahead}
        sent = [m.request_time for m in sens_log if digits_of(m.to) in numbers]
        alive = max((time for time in sent if time), default=self.now - WINDOW)
        missing = {}
        for store_id, (owned, listed) in self.stores.items():
            # The run after the last of these moments saw the list that we saw, and is over.
            last = min(self.now - PERIOD - self.longest_run, listed.at - PERIOD)
            if owned.since and owned.since > last:
                continue
            count = sum(alive < m.due <= last and self._is_open(m) for m in listed.messages)
            if count:
                missing[store_id] = count
        return missing

    def _is_open(self, guide: DueMessage) -> bool:
        """Tell whether its flag is False; without a record it may be too new for any run."""
        record = self.records.get(guide.key)
        if record is None or record.start != guide.expires:  # it was moved, and may be as new
            return False
        coming = record.start is not None and record.start > self.now
        return coming and record.item.get("remind_sms") is False
