"""Counting a message before it is handed to SENS: for its phone, its store, and all stores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from naverplace.base.errors import NaverPlaceError, OutcomeUnknown
from naverplace.ledger.caps import CapReached, NotCounted
from naverplace.ledger.phone_counter import PhoneCounter
from naverplace.ledger.store_lock import StoreLock


@dataclass(frozen=True)
class SendCaps:
    """The caps that hold while one store is held; only SENS's word takes a count back."""

    lock: StoreLock
    phones: PhoneCounter

    @contextmanager
    def counting(self, to: str) -> Iterator[None]:
        """Count one attempt to send to this phone. Raises CapReached, NotCounted: nothing is sent.

        An attempt that may have been accepted, or that ends in a defect of ours, stays counted.
        """
        self.lock.count()
        try:
            mark = self.phones.count(to)
        except NaverPlaceError as error:
            self.lock.uncount()
            if isinstance(error, CapReached):
                raise
            raise NotCounted(f"not sent, for it could not be counted: {error}") from error
        try:
            yield
        except OutcomeUnknown:
            raise
        except NaverPlaceError:
            self.lock.uncount()
            self.phones.uncount(to, mark)
            raise
