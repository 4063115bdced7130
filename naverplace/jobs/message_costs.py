"""What the text messages of a span of time cost, by SENS's own log; sends and writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from naverplace.aws.dynamodb import open_dynamodb
from naverplace.aws.table import StateTable
from naverplace.base.errors import Permanent
from naverplace.domain.effects import store_of_booking
from naverplace.domain.records import MOVED_FROM
from naverplace.ledger.scan import LedgerScan, entries_of
from naverplace.messaging.sens import KEPT, SensClient
from naverplace.pipeline.rulebook_in_force import load_in_force
from naverplace.reporting.costs import CostLine, Origin, cost_lines
from naverplace.rules.rulebook import Rulebook
from naverplace.rules.text_sizes import TextSize, text_sizes
from naverplace.settings.schema import Settings


@dataclass(frozen=True)
class MessageCosts:
    """Cost of all messages from `since` until `until`, and the texts that make them dear."""

    since: datetime
    until: datetime
    lines: tuple[CostLine, ...]
    prices: Mapping[str, float]  # won by type at the end; {}: not known
    prices_since: date | None
    long_texts: tuple[TextSize, ...]  # each an LMS
    aliases: Mapping[str, str]

    @property
    def won(self) -> Decimal:
        """Sum up what is priced."""
        return sum((line.won for line in self.lines), Decimal())

    def as_json(self) -> dict[str, Any]:
        """Turn it into plain JSON values."""
        return {
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "won": float(self.won),
            "messages": sum(line.count for line in self.lines),
            "unpriced": sum(line.unpriced for line in self.lines),
            "prices": dict(self.prices),
            "prices_since": self.prices_since.isoformat() if self.prices_since else None,
            "lines": [line.as_json() for line in self.lines],
            "lms_texts": [{**vars(text), "over": text.over} for text in self.long_texts],
        }


def read_costs(settings: Settings, since: datetime, until: datetime) -> MessageCosts:
    """Read SENS's log, and the ledger for whose messages they are. Raises Transient, Permanent.

    `until` is excluded. The whole ledger is read, as the reconciliation does.
    """
    clock = settings.make_clock()
    if since < clock.now() - KEPT:
        raise Permanent(
            f"SENS keeps its log for 90 days: what {since:%Y-%m-%d} cost cannot be read any more"
        )
    dynamodb = open_dynamodb(settings.aws)
    book = load_in_force(settings, StateTable(dynamodb, settings.aws.session_table)).rulebook
    listed = SensClient(settings.sens, clock).find(start=since, end=until)
    log = [entry for entry in listed if entry.request_time and entry.request_time < until]
    lines = cost_lines(
        log, _origins(LedgerScan(dynamodb, settings.aws.sms_table)), settings.prices.on
    )
    return MessageCosts(
        since,
        until,
        tuple(lines),
        settings.prices.on(until.date()),
        settings.prices.since,
        _long_texts(book),
        {store.id: store.alias for store in book.stores.values()},
    )


def _origins(ledger: LedgerScan) -> dict[str, Origin]:
    return {
        message.request_id: Origin(
            store_of_booking(message.key.booking_num), message.kind.partition(MOVED_FROM)[0]
        )
        for record in ledger.scan()
        for message in entries_of(record)
        if message.request_id
    }


def _long_texts(book: Rulebook) -> tuple[TextSize, ...]:
    return tuple(text for text in text_sizes(book) if text.message_type == "LMS")
