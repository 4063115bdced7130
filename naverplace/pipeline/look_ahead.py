"""Looking ahead from a command: what will be sent in the next hours; sends and writes nothing."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from naverplace.base.phone import mask
from naverplace.pipeline import context, steps
from naverplace.pipeline.local_runner import ThreadExecutor
from naverplace.pipeline.steps import StoreBatch
from naverplace.rules.engine import ComingMessage, RuleEngine
from naverplace.settings.schema import Settings


@dataclass(frozen=True)
class ForecastResult:
    """What will be sent if nothing changes; phones are masked."""

    now: datetime
    until: datetime
    messages: tuple[ComingMessage, ...]
    prices: dict[str, float]  # won by type; {}: not known
    aliases: dict[str, str]
    unread: dict[str, str]  # stores that nothing is known of, and why

    @property
    def won(self) -> float | None:
        """Sum up the cost; None when the prices are not known."""
        if not self.prices:
            return None
        return sum(self.prices.get(m.effect.message_type, 0) for m in self.messages)

    def rows(self) -> list[dict[str, Any]]:
        """List the messages as plain values."""
        return [
            {
                "at": at.isoformat(timespec="minutes"),
                "store": effect.store_id,
                "alias": self.aliases.get(effect.store_id, effect.store_id),
                "kind": effect.kind,
                "booking": effect.key.booking_num,
                "to": mask(effect.to),
                "type": effect.message_type,
                "won": self.prices.get(effect.message_type),
            }
            for at, effect in self.messages
        ]


def look_ahead(settings: Settings, *, hours: float, only: Collection[str] = ()) -> ForecastResult:
    """Read the bookings and say what will be sent; sends and writes nothing.

    A store that cannot be read is named, and the others are told. Raises NaverPlaceError.
    """
    run = context.open_run(
        settings, run_id=f"forecast-{uuid.uuid4()}", door="cli", dry_run=True, only=[*only]
    )
    session = steps.restore_session(run)
    calls = {store_id: (run, session, store_id) for store_id in run.stores}
    read = ThreadExecutor().each_store(run, steps.read_store, calls)
    batches = [batch for batch in read.values() if isinstance(batch, StoreBatch)]
    validated = steps.check_quality(run, batches)
    decided = steps.decide(run, validated)
    unread = {s: str(one) for s, one in read.items() if isinstance(one, Exception)}
    unread |= {checked.store_id: checked.reason for checked in validated.stores if checked.stopped}
    unread |= {store_id: halt.reason for store_id, halt in decided.halts.items()}
    unread |= {s: f"owned by {o.owner}" for s, o in decided.owners.items() if not o.ours}
    matches = [m for m in decided.matches if m.booking.store_id not in unread]
    until = run.now + timedelta(hours=hours)
    coming = RuleEngine(run.rulebook).coming(matches, now=run.now, until=until)
    return ForecastResult(
        run.now,
        until,
        tuple(coming),
        settings.prices.on(run.now.date()),
        {store.id: store.alias for store in run.all_stores.values()},
        unread,
    )
