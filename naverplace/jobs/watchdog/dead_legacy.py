"""Whether the legacy beside us is dead: the guides that it owes by now and has not sent; pure.

It writes a guide's flag before it sends (L12, L14), so a flag that is still False shows runs that
died, or never began (L27, L28, L30). Its error text on Telegram is no help: no bot can read what it
has sent itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from naverplace.domain.records import Record
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.ledger.scan import digits_of
from naverplace.ledger.store_state import Ownership
from naverplace.quality.circuit_breaker import Baseline

PERIOD = timedelta(minutes=20)  # from one run of the legacy to the next
WINDOW = timedelta(hours=2)  # before the start, in which it sends the guide


@dataclass(frozen=True)
class LegacyDuties:
    """What the legacy owes in its stores at a moment; each record is noted once."""

    now: datetime
    longest_run: timedelta
    stores: Mapping[str, tuple[Ownership, Baseline]]  # with what our last run saw listed
    _numbers: set[str] = field(default_factory=set, repr=False)  # of bookings ahead
    _done: Counter[tuple[str, int]] = field(default_factory=Counter)  # by store and start
    _open: Counter[tuple[str, int]] = field(default_factory=Counter)

    def note(self, record: Record) -> Record:
        """Count a record of these stores, and give it back."""
        store_id = record.key.store_id
        if store_id in self.stores and record.start and record.start > self.now:
            self._numbers.add(digits_of(record.key.phone))
            is_open = record.item.get("remind_sms") is False
            (self._open if is_open else self._done)[store_id, _minutes(record.start)] += 1
        return record

    def missed(self, sens_log: Iterable[SmsLogEntry] = ()) -> dict[str, int]:
        """Count the missing guides by store; a message of the legacy proves all before it wrong.

        What is not listed any more is cancelled. What has no record yet may be too new for any run,
        and may have taken the time of one that was cancelled: so many are taken off.
        """
        sent = [m.request_time for m in sens_log if digits_of(m.to) in self._numbers]
        alive = max((time for time in sent if time), default=self.now - WINDOW)
        missing = {}
        for store_id, (owned, batch) in self.stores.items():
            # The run after the last of these moments saw the list that we saw, and is over.
            last = min(self.now - PERIOD - self.longest_run, batch.at - PERIOD)
            if owned.since and owned.since > last:
                continue
            first, end = _minutes(alive + WINDOW), _minutes(last + WINDOW)
            due = Counter((store_id, start) for start in batch.ahead if first < start <= end)
            count = ((due - self._done) & self._open).total() - batch.new
            if count > 0:
                missing[store_id] = count
        return missing


def _minutes(moment: datetime) -> int:
    return int(moment.timestamp() // 60)
