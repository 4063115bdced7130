"""What ends a run of the legacy before its time, and how that is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Death:
    """What ended a run: with the error text, or without any when `raised`."""

    cause: str  # L-number: L1, L2, L3, L9, L27, L28, L30, L31; L22 is any other
    error: str
    store_id: str = ""  # whose bookings were being read
    booking_num: str = ""  # the row that could not be read (L27), as far as it tells its ids
    raised: bool = False  # out of the handler or its import: Lambda sees a failure (L31)


class Ended(Exception):
    """An error that ends the run; its `__cause__` is what happened."""

    def __init__(self, cause: str, store_id: str = "", booking_num: str = "") -> None:
        super().__init__(cause)
        self.cause, self.store_id, self.booking_num = cause, store_id, booking_num


@contextmanager
def ending(cause: str, store_id: str = "", booking_num: str = "") -> Iterator[None]:
    """Name the L-number of whatever is raised inside."""
    try:
        yield
    except Exception as error:
        raise Ended(cause, store_id, booking_num) from error


def death_of(error: Exception, *, raised: bool = False) -> Death:
    """Tell an error as the end of a run."""
    if isinstance(error, Ended):
        ids = (error.store_id, error.booking_num)
        return Death(error.cause, worded(error.__cause__ or error), *ids, raised=raised)
    return Death("L22", worded(error), raised=raised)


def worded(error: BaseException) -> str:
    """Word an error."""
    return f"{type(error).__name__}: {error}"
