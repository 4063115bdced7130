"""What a run says it has sent, against the table and against SENS's own log; pure.

Three counts of the same messages that come from three places. A message that SENS's log does not
show yet is no contradiction while it is younger than the settle time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from naverplace.domain.effects import RecordKey
from naverplace.domain.message_status import WITH_PROVIDER
from naverplace.domain.records import MOVED_FROM, LedgerEntry, Record
from naverplace.domain.sms_log import SmsLogEntry


@dataclass(frozen=True)
class AcceptedMessage:
    """One message that a run says SENS has accepted, now or in an earlier try."""

    key: RecordKey = field(repr=False)
    kind: str
    store_id: str
    request_id: str
    to: str = field(repr=False)  # digits; empty when nobody knows them any more

    def __str__(self) -> str:
        return f"{self.kind} of booking {self.key.booking_num} (request {self.request_id})"


@dataclass(frozen=True)
class CrossCheck:
    """The three counts; a count of None was not made, and `why_not` says why."""

    sent: int
    table: Mapping[str, int] | None = None  # by kind
    log: Mapping[str, int] | None = None  # by kind
    not_yet: int = 0  # too young to be certain to stand in the log
    ends: Mapping[str, int] = field(default_factory=dict)  # delivered | failed | open, by the log
    contradictions: tuple[str, ...] = ()
    why_not: tuple[str, ...] = ()


def crosscheck_sent(
    sent: Sequence[AcceptedMessage],
    *,
    records: Iterable[Record] | None,
    log: Sequence[SmsLogEntry] | None,
    execution_id: str,
    now: datetime,
    settle_seconds: float,
    why_not: Sequence[str] = (),
    in_doubt: Collection[tuple[str, str]] = (),
) -> CrossCheck:
    """Count the run's messages in the table and in the log, and name what does not agree.

    What the run tells as `in_doubt`, by booking and kind, another run may have adopted by now.
    """
    found: list[str] = []
    table = in_log = None
    not_yet, ends = 0, Counter[str]()
    known = list(records or ())
    if records is not None:
        table = _in_table(sent, known, found, execution_id=execution_id, in_doubt=in_doubt)
    if log is not None:
        ours = {message.request_id for message in sent}
        shown = [message for message in log if message.request_id in ours]
        young = _young(known, now - timedelta(seconds=settle_seconds))
        in_log, not_yet = _in_log(sent, shown, found, young=young if records is not None else ours)
        ends = Counter(message.end or "open" for message in shown)
    return CrossCheck(
        len(sent),
        table=table,
        log=in_log,
        not_yet=not_yet,
        ends=dict(ends),
        contradictions=tuple(found),
        why_not=tuple(why_not),
    )


def _in_table(
    sent: Sequence[AcceptedMessage],
    records: Sequence[Record],
    found: list[str],
    *,
    execution_id: str,
    in_doubt: Collection[tuple[str, str]],
) -> dict[str, int]:
    requests = {message.request_id for message in sent}
    kinds, seen = Counter[str](), Counter[str]()
    for record, name, message in _with_provider(records):
        kind = name.partition(MOVED_FROM)[0]
        if message.request_id in requests:
            seen[message.request_id] += 1
            kinds[kind] += 1
        elif (
            message.execution_id == execution_id and (record.key.booking_num, kind) not in in_doubt
        ):
            found.append(
                f"the table counts {kind} of booking {record.key.booking_num} (request "
                f"{message.request_id}) as sent by this run, and the run does not know of it"
            )
    found += [
        f"{message} stands {seen[message.request_id]} times in the table, not once"
        for message in sent
        if seen[message.request_id] != 1
    ]
    return dict(kinds)


def _with_provider(records: Sequence[Record]) -> Iterator[tuple[Record, str, LedgerEntry]]:
    for record in records:
        for name, message in record.messages.items():
            if message.state in WITH_PROVIDER and message.request_id:
                yield record, name, message


def _young(records: Iterable[Record], since: datetime) -> set[str]:
    return {
        message.request_id
        for record in records
        for message in record.messages.values()
        if message.settled_at is None or message.settled_at > since
    }


def _in_log(
    sent: Sequence[AcceptedMessage],
    shown: Sequence[SmsLogEntry],
    found: list[str],
    *,
    young: Collection[str],
) -> tuple[dict[str, int], int]:
    times = Counter(message.request_id for message in shown)
    receivers = {message.request_id: message.to for message in shown}
    kinds = Counter[str]()
    not_yet = 0
    late = []
    for message in sent:
        count = times[message.request_id]
        kinds[message.kind] += count
        if count > 1:
            found.append(f"{message} stands {count} times in SENS's log, not once")
        elif count and message.to and receivers[message.request_id] != message.to:
            found.append(f"{message} went to another phone, as SENS's log shows")
        elif not count and message.request_id in young:
            not_yet += 1
        elif not count:
            late.append(f"{message} is not in SENS's log")
    found += late
    return dict(+kinds), not_yet
