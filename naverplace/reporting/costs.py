"""What text messages cost: SENS's log times the price of the day, by store, kind and type; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from naverplace.base.clock import SEOUL
from naverplace.base.translation import current_language
from naverplace.domain.message_kinds import kind_label
from naverplace.domain.sms_log import SmsLogEntry

PricesOn = Callable[[date], Mapping[str, float]]  # won by type; {}: not known for that day


class Origin(NamedTuple):
    """Which booking's message it is, as far as the ledger knows; empty: not one of ours."""

    store_id: str = ""
    kind: str = ""


@dataclass(frozen=True)
class CostLine:
    """Messages of one store, kind and type; `won` is for the priced ones of them."""

    store_id: str
    kind: str
    message_type: str
    count: int
    failed: int  # of them; whether SENS asks money for those is not documented
    unpriced: int  # of them: sent on a day of which no price is known
    won: Decimal

    def as_json(self) -> dict[str, Any]:
        """Turn it into plain JSON values."""
        return {**vars(self), "won": float(self.won)}


def cost_lines(
    log: Iterable[SmsLogEntry], origins: Mapping[str, Origin], prices_on: PricesOn
) -> list[CostLine]:
    """Sum up SENS's log by store, kind and type; `origins` tells by request id whose it is.

    What the ledger does not know costs just as much, and stands under the empty store.
    """
    counts: Counter[tuple[str, str, str]] = Counter()
    failed, unpriced, won = Counter(counts), Counter(counts), dict[tuple[str, str, str], Decimal]()
    for entry in log:
        place = (*origins.get(entry.request_id, Origin()), entry.message_type)
        price = _price(entry, prices_on)
        counts[place] += 1
        failed[place] += entry.end == "failed"
        unpriced[place] += price is None
        won[place] = won.get(place, Decimal()) + (price or 0)
    return [CostLine(*p, counts[p], failed[p], unpriced[p], won[p]) for p in sorted(counts)]


def _price(entry: SmsLogEntry, prices_on: PricesOn) -> Decimal | None:
    if entry.request_time is None:
        return None
    price = prices_on(entry.request_time.astimezone(SEOUL).date()).get(entry.message_type)
    return None if price is None else Decimal(str(price))


def kind_words(kind: str) -> str:
    """Name a kind of message in the reader's language."""
    return kind_label(kind) if current_language() == "ko" else kind


def won_words(won: Decimal | float) -> str:
    """Word an amount for the owner: 12,345원; less than a whole won is rounded."""
    return f"{round(won):,}원"
