"""A store's own item in table `session`: who sends for it now, and which messages are open; pure.

A run takes a store's lease before it sends, and writes down in the same step what it is about to
send. So whoever comes after a crash finds every message that may be in doubt, even when the booking
has vanished meanwhile. Claims alone keep a message from being sent twice; the lease keeps two runs
from taking each other's claims for doubts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from naverplace.base.clock import SEOUL
from naverplace.base.errors import NaverPlaceError
from naverplace.domain.effects import RecordKey, SendSms

PREFIX = "naverplace-store-"
_OWN = ("id", "version", "epoch", "lease", "open")
_BETWEEN = "|"


class LockedByOther(NaverPlaceError):
    """Another run holds the store; `lease` says which and until when."""

    def __init__(self, lease: Lease) -> None:
        super().__init__(
            f"run {lease.run_id} is sending for this store until {lease.until:%H:%M:%S}"
        )
        self.lease = lease


class LeaseLost(NaverPlaceError):
    """The store was taken over by another run, because this one was silent for too long."""


Allowed = Callable[["StoreState"], None]  # raises when the item says that we may not send


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


def _anybody(item: StoreState) -> None:
    """Let everybody."""


@dataclass(frozen=True)
class StoreState:
    """One store's item; `extra` holds what other modules keep there."""

    store_id: str
    version: int = 0
    epoch: int = 0  # the last one given
    lease: Lease | None = None
    open: Mapping[PendingMessage, datetime] = field(default_factory=dict, repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def holder_at(self, now: datetime) -> Lease | None:
        """Tell who holds the store at this moment; None when nobody does."""
        return self.lease if self.lease and self.lease.until > now else None


def acquire(
    item: StoreState,
    *,
    holder: str,
    run_id: str,
    now: datetime,
    seconds: float,
    opening: Iterable[PendingMessage] = (),
    allowed: Allowed = _anybody,
) -> StoreState:
    """Take the store with a new epoch, and note what will be sent.

    Raises LockedByOther, and what `allowed` raises.
    """
    allowed(item)
    current = item.holder_at(now)
    if current and current.holder != holder:
        raise LockedByOther(current)
    lease = Lease(holder, run_id, item.epoch + 1, now + timedelta(seconds=seconds))
    still_open = {**dict.fromkeys(opening, now), **item.open}
    return replace(item, epoch=lease.epoch, lease=lease, open=still_open)


def renew(
    item: StoreState, lease: Lease, *, now: datetime, seconds: float, allowed: Allowed = _anybody
) -> StoreState:
    """Hold the store longer. Raises LeaseLost when it was given to somebody else since.

    Raises what `allowed` raises.
    """
    own(item, lease)
    allowed(item)
    return replace(item, lease=replace(lease, until=now + timedelta(seconds=seconds)))


def release(item: StoreState, lease: Lease, *, settled: Collection[PendingMessage]) -> StoreState:
    """Give the store back, and forget the messages whose end is known. Raises LeaseLost."""
    own(item, lease)
    # Who settles what is left must know the others to that phone: their texts may be the same.
    phones = {message.key.phone for message in item.open if message not in settled}
    left = {
        message: since
        for message, since in item.open.items()
        if message not in settled or message.key.phone in phones
    }
    return replace(item, lease=None, open=left)


def own(item: StoreState, lease: Lease) -> None:
    """Raise LeaseLost unless this lease is the one that holds the store."""
    if not item.lease or (item.lease.holder, item.lease.epoch) != (lease.holder, lease.epoch):
        raise LeaseLost(f"store {item.store_id}: another run has taken over; this one was silent")


def read_state(store_id: str, values: Mapping[str, Any]) -> StoreState:
    """Read a store's item; an unreadable lease counts as over, for claims guard as well."""
    opened = values.get("open") or {}
    return StoreState(
        store_id=store_id,
        version=int(values.get("version", 0)),
        epoch=int(values.get("epoch", 0)),
        lease=_lease(values.get("lease")),
        open={_message(name): _time(since) for name, since in opened.items()},
        extra={name: value for name, value in values.items() if name not in _OWN},
    )


def as_item(item: StoreState) -> dict[str, Any]:
    """Write a store's item as plain values, times in UTC."""
    values: dict[str, Any] = {
        **item.extra,
        "id": PREFIX + item.store_id,
        "version": item.version,
        "epoch": item.epoch,
        "open": {_name(message): _utc(since) for message, since in item.open.items()},
    }
    if item.lease:
        values["lease"] = {**vars(item.lease), "until": _utc(item.lease.until)}
    return values


def _lease(value: Any) -> Lease | None:
    if not isinstance(value, Mapping):
        return None
    try:
        return Lease(
            holder=str(value["holder"]),
            run_id=str(value["run_id"]),
            epoch=int(value["epoch"]),
            until=_time(value["until"]),
        )
    except (KeyError, ValueError):
        return None


def _name(message: PendingMessage) -> str:
    return _BETWEEN.join((*message.key, message.kind))


def _message(name: str) -> PendingMessage:
    booking_num, _, rest = name.partition(_BETWEEN)
    phone, _, kind = rest.rpartition(_BETWEEN)
    return PendingMessage(RecordKey(booking_num, phone), kind)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _time(text: Any) -> datetime:
    return datetime.fromisoformat(str(text)).astimezone(SEOUL)
