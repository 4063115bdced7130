"""Whether a booking is still what it was when it was read, asked again before a door is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime, timedelta
from threading import Lock

from naverplace.base.clock import Clock
from naverplace.base.errors import Transient
from naverplace.delivery.executor import StaleReason
from naverplace.domain.booking import Booking, BookingStatus
from naverplace.domain.effects import SendSms
from naverplace.domain.extra_fields import Field
from naverplace.naver.booking_client import BookingClient
from naverplace.quality import frames

_ANSWER = timedelta(minutes=1)  # a reading that took longer than that says nothing about now


@dataclass(frozen=True)
class BookingRechecker:
    """Reads a store's confirmed bookings again when they were read too long ago."""

    client: BookingClient
    clock: Clock
    fields: Sequence[Field]
    max_age: timedelta
    _read: dict[str, tuple[datetime, dict[str, Booking]]] = dataclass_field(default_factory=dict)
    _lock: Lock = dataclass_field(default_factory=Lock)

    def recheck(self, effect: SendSms) -> StaleReason | None:
        """Tell why the booking is not as it was when this was decided; None when it is.

        Raises Transient or Permanent when Naver cannot be asked.
        """
        booking = self._confirmed(effect.store_id).get(effect.key.booking_num)
        if booking is None:
            return "not sent: the booking is not confirmed any more"
        if effect.start and booking.start != effect.start:
            return "not sent: the booking has been moved since it was read"
        if booking.phone_of(effect.receiver) != effect.to:
            return "not sent: the booking's phone has changed since it was read"
        return None

    def _confirmed(self, store_id: str) -> dict[str, Booking]:
        with self._lock:
            read_at, bookings = self._read.get(store_id, (None, {}))
            now = self.clock.now()
            if read_at is None or now - read_at > self.max_age:
                bookings = self._ask(store_id, now)
                self._read[store_id] = (now, bookings)
            return bookings

    def _ask(self, store_id: str, now: datetime) -> dict[str, Booking]:
        """Read what is confirmed now; broken rows are left out, as no door is opened for them.

        Raises Transient also when this process stood still meanwhile, so that the answer is old.
        """
        raws = self.client.bookings(store_id, BookingStatus.CONFIRMED)
        if (took := self.clock.now() - now) > self.max_age + _ANSWER:
            raise Transient(f"reading store {store_id} again took {took.total_seconds():.0f} s")
        found: dict[str, Booking] = {}
        for raw in raws:
            try:
                frame = frames.to_frame([raw], store_id=store_id, fields=self.fields, read_at=now)
                found |= {b.booking_num: b for b in frames.to_bookings(frame)}
            except (ValueError, TypeError, KeyError, AttributeError):
                continue
        return found
