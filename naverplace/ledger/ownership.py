"""Who sends for a store: the legacy, nobody of ours (shadow), or we; pure.

It stands in the store's own item, beside the lease: a run reads it in the very change that takes
the lease, so no store changes its owner in the middle of a delivery. An own epoch counts the
changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from naverplace.base.clock import SEOUL
from naverplace.base.errors import NaverPlaceError
from naverplace.ledger.lease import StoreState

LEGACY, SHADOW, NEW = "legacy", "shadow", "new"
OWNERS = (LEGACY, SHADOW, NEW)
OWNER = "owner"  # the attribute of the store's item
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


class NotOurs(NaverPlaceError):
    """Somebody else sends for this store, so we send and write nothing."""


@dataclass(frozen=True)
class Ownership:
    """Who sends for one store; `alone_from` is when no run of the legacy can be alive any more."""

    owner: str
    epoch: int = 0
    since: datetime | None = None
    by: str = ""
    why: str = ""
    alone_from: datetime | None = None  # None: the legacy still runs, for other stores

    @property
    def ours(self) -> bool:
        """Tell whether we send."""
        return self.owner == NEW

    def reserves_at(self, now: datetime) -> bool:
        """Tell whether we send beside a legacy that reads all stores (docs/switch.md)."""
        return self.ours and (self.alone_from is None or now < self.alone_from)

    def as_map(self) -> dict[str, Any]:
        """Write it as an attribute, times in UTC."""
        values: dict[str, Any] = {"owner": self.owner, "epoch": self.epoch}
        values |= {"by": self.by, "why": self.why}
        for name in ("since", "alone_from"):
            if moment := getattr(self, name):
                values[name] = moment.astimezone(UTC).isoformat()
        return values


def owner_of(item: StoreState, default: str) -> Ownership:
    """Read who owns a store; without an entry it is `default`, and then nobody runs beside us.

    An entry that cannot be read is nobody's: then nothing is sent.
    """
    found = item.extra.get(OWNER)
    if found is None:
        return Ownership(default, alone_from=ALWAYS if default == NEW else None)
    if not isinstance(found, Mapping) or found.get("owner") not in OWNERS:
        return Ownership("unreadable")
    return Ownership(
        owner=str(found["owner"]),
        epoch=int(found.get("epoch", 0)),
        since=_time(found.get("since")),
        by=str(found.get("by", "")),
        why=str(found.get("why", "")),
        alone_from=_time(found.get("alone_from")),
    )


def ensure_ours(item: StoreState, default: str) -> None:
    """Raise NotOurs unless we send for this store."""
    owned = owner_of(item, default)
    if not owned.ours:
        raise NotOurs(f"owned by {owned.owner}")


def transfer(
    item: StoreState, owner: str, *, default: str, by: str, why: str, now: datetime
) -> StoreState:
    """Give a store to another owner, with the next epoch; its own owner keeps it unchanged."""
    owned = owner_of(item, default)
    if owned.owner == owner and OWNER in item.extra:
        return item
    return _with(item, Ownership(owner, owned.epoch + 1, now, by, why))


def mark_coexisting(item: StoreState, *, default: str) -> StoreState:
    """Note that the legacy runs, or is about to: from now on our store must reserve."""
    owned = owner_of(item, default)
    return _with(item, replace(owned, alone_from=None)) if owned.ours else item


def mark_sole_sender_from(item: StoreState, moment: datetime, *, default: str) -> StoreState:
    """Note from when on no run of the legacy is alive; an earlier note stays."""
    owned = owner_of(item, default)
    if not owned.ours or owned.alone_from is not None:
        return item
    return _with(item, replace(owned, alone_from=moment))


def _with(item: StoreState, owned: Ownership) -> StoreState:
    return replace(item, extra={**item.extra, OWNER: owned.as_map()})


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value)).astimezone(SEOUL) if value else None
    except ValueError:
        return None
