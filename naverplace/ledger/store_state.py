"""A store's item in table `session`: its owner, its lease and its open messages; pure.

The change that takes the lease notes what will be sent, for whoever comes after a crash, and reads
the owner, so that none changes in the middle of a delivery. Claims alone keep a message from being
sent twice; the lease keeps two runs from taking each other's claims for messages in doubt.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from naverplace.base.clock import SEOUL, format_utc, parse_time
from naverplace.base.errors import NaverPlaceError
from naverplace.domain.effects import RecordKey, SendSms
from naverplace.ledger.pauses import Pause, paused_at

PREFIX = "naverplace-store-"
CHANGED_BY = "changed_by"  # token of the last write
_OWN = ("id", "version", "epoch", "lease", "open", "awaiting", CHANGED_BY)
_BETWEEN = "|"
LEGACY, SHADOW, NEW = "legacy", "shadow", "new"
OWNERS = (LEGACY, SHADOW, NEW)
OWNER = "owner"  # the attribute of the store's item
MOST_AWAITING = 1000  # an item holds 400 KB; the reconciliation follows what is beyond
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


class LockedByOther(NaverPlaceError):
    """Another run holds the store; `lease` says which and until when."""

    def __init__(self, lease: Lease) -> None:
        super().__init__(
            f"run {lease.run_id} is sending for this store until {lease.until:%H:%M:%S}"
        )
        self.lease = lease


class LeaseLost(NaverPlaceError):
    """The store was taken over by another run, because this one was silent for too long."""


class PendingMessage(NamedTuple):
    """A message that a run was about to send, and whose end is not written down yet."""

    key: RecordKey
    kind: str

    @classmethod
    def of(cls, effect: SendSms) -> PendingMessage:
        """Name the message that an effect sends."""
        return cls(effect.key, effect.kind)


@dataclass(frozen=True)
class Lease:
    """The right to send for one store until a moment; `holder` names one process's run."""

    holder: str
    run_id: str
    epoch: int  # of two holders, the later one has the larger
    until: datetime


@dataclass(frozen=True)
class StoreState:
    """One store's item; `extra` holds what other modules keep there, `for_all` what holds for all.

    `for_all` is read along with it, and never written by it.
    """

    store_id: str
    version: int = 0
    epoch: int = 0  # the last one given
    lease: Lease | None = None
    open: Mapping[PendingMessage, datetime] = field(default_factory=dict, repr=False)
    # Not open any more: the next runs ask SENS whether what was accepted of them was delivered.
    awaiting: Mapping[PendingMessage, datetime] = field(default_factory=dict, repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict)
    for_all: Mapping[str, Any] = field(default_factory=dict)

    def holder_at(self, now: datetime) -> Lease | None:
        """Tell who holds the store at this moment; None when nobody does."""
        return self.lease if self.lease and self.lease.until > now else None

    def pause_at(self, now: datetime) -> Pause | None:
        """Give the pause that holds at this moment; None when messages may be sent."""
        return paused_at(self.extra, self.for_all, now)


def acquire(
    item: StoreState,
    *,
    holder: str,
    run_id: str,
    now: datetime,
    seconds: float,
    opening: Iterable[PendingMessage] = (),
    default_owner: str | None = None,
) -> StoreState:
    """Take the store with a new epoch, and note what will be sent. Raises LockedByOther.

    Raises NotOurs when another owner sends; without a `default_owner` the owner does not matter.
    """
    if default_owner is not None:
        ensure_ours(item, default_owner)
    current = item.holder_at(now)
    if current and current.holder != holder:
        raise LockedByOther(current)
    lease = Lease(holder, run_id, item.epoch + 1, now + timedelta(seconds=seconds))
    still_open = {**dict.fromkeys(opening, now), **item.open}
    return replace(item, epoch=lease.epoch, lease=lease, open=still_open)


def renew(
    item: StoreState,
    lease: Lease,
    *,
    now: datetime,
    seconds: float,
    default_owner: str | None = None,
) -> StoreState:
    """Hold the store longer. Raises LeaseLost if another run has it, NotOurs as `acquire` does."""
    own(item, lease)
    if default_owner is not None:
        ensure_ours(item, default_owner)
    return replace(item, lease=replace(lease, until=now + timedelta(seconds=seconds)))


def release(item: StoreState, lease: Lease, *, resolved: Collection[PendingMessage]) -> StoreState:
    """Give the store back, and let the resolved messages await their delivery. Raises LeaseLost.

    That is one write, so no crash comes between: until then they are open.
    """
    own(item, lease)
    # Who resolves what is left must know the others to that phone: their texts may be the same.
    phones = {message.key.phone for message in item.open if message not in resolved}
    left = {
        message: since
        for message, since in item.open.items()
        if message not in resolved or message.key.phone in phones
    }
    ended = {message: since for message, since in item.open.items() if message in resolved}
    awaiting = sorted({**item.awaiting, **ended}.items(), key=lambda pair: pair[1])
    return replace(item, lease=None, open=left, awaiting=dict(awaiting[-MOST_AWAITING:]))


def forget(item: StoreState, messages: Collection[PendingMessage]) -> StoreState:
    """Await these messages no longer: their end is known and told, or too long in coming.

    As in `release`, those to the phone of an open message stay.
    """
    phones = {message.key.phone for message in item.open}
    left = {
        message: since
        for message, since in item.awaiting.items()
        if message not in messages or message.key.phone in phones
    }
    return replace(item, awaiting=left)


def own(item: StoreState, lease: Lease) -> None:
    """Raise LeaseLost unless this lease is the one that holds the store."""
    if not item.lease or (item.lease.holder, item.lease.epoch) != (lease.holder, lease.epoch):
        raise LeaseLost(f"store {item.store_id}: another run has taken over; this one was silent")


def read_state(store_id: str, values: Mapping[str, Any]) -> StoreState:
    """Read a store's item; an unreadable lease counts as over, for claims guard as well."""
    return StoreState(
        store_id=store_id,
        version=int(values.get("version", 0)),
        epoch=int(values.get("epoch", 0)),
        lease=_lease(values.get("lease")),
        open=_messages(values.get("open")),
        awaiting=_messages(values.get("awaiting")),
        extra={name: value for name, value in values.items() if name not in _OWN},
    )


def as_item(item: StoreState) -> dict[str, Any]:
    """Write a store's item as plain values, times in UTC."""
    values: dict[str, Any] = {
        **item.extra,
        "id": PREFIX + item.store_id,
        "version": item.version,
        "epoch": item.epoch,
        "open": _noted(item.open),
    }
    if item.awaiting:
        values["awaiting"] = _noted(item.awaiting)
    if item.lease:
        values["lease"] = {**vars(item.lease), "until": format_utc(item.lease.until)}
    return values


def _lease(value: Any) -> Lease | None:
    until = parse_time(value.get("until")) if isinstance(value, Mapping) else None
    if until is None:
        return None
    try:
        return Lease(str(value["holder"]), str(value["run_id"]), int(value["epoch"]), until)
    except (KeyError, ValueError):
        return None


def _noted(messages: Mapping[PendingMessage, datetime]) -> dict[str, str]:
    return {_BETWEEN.join((*m.key, m.kind)): format_utc(since) for m, since in messages.items()}


def _messages(noted: Mapping[str, str] | None) -> dict[PendingMessage, datetime]:
    return {
        _message(name): datetime.fromisoformat(since).astimezone(SEOUL)
        for name, since in (noted or {}).items()
    }


def _message(name: str) -> PendingMessage:
    booking_num, _, rest = name.partition(_BETWEEN)
    phone, _, kind = rest.rpartition(_BETWEEN)
    return PendingMessage(RecordKey(booking_num, phone), kind)


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
        parts = {name: value for name, value in vars(self).items() if value is not None}
        return {n: format_utc(v) if isinstance(v, datetime) else v for n, v in parts.items()}


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
        since=parse_time(found.get("since")),
        by=str(found.get("by", "")),
        why=str(found.get("why", "")),
        alone_from=parse_time(found.get("alone_from")),
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
