"""One booking's life as a value, and the people who book."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random


@dataclass(frozen=True)
class Version:
    """A booking as Naver shows it from `at` on; times are seconds since 1970."""

    at: float
    status: str
    start: float
    phone: str
    name: str
    options: tuple[str, ...]
    told: float  # when Naver says it was confirmed
    broken: str = ""  # what of it no message may be sent for: phone | start


@dataclass
class Life:
    """One booking, from its making to its end."""

    store_id: str
    booking_id: int
    made: float
    versions: list[Version] = field(default_factory=list)
    moves: int = 0

    @property
    def number(self) -> str:
        """Name it as the records do."""
        return f"{self.store_id}_{self.booking_id}"

    def change(self, at: float, **changes: object) -> None:
        """Let it be something else from this moment on; raises ValueError for one in its past."""
        last = self.versions[-1]
        if at < last.at:
            raise ValueError(f"booking {self.booking_id} cannot change before its last change")
        self.versions.append(Version(**{**vars(last), "at": at, **changes}))


@dataclass
class Customers:
    """Invented people of one store; some come again, some book twice."""

    luck: Random
    first: int
    count: int = 0

    def somebody(self) -> int:
        """Pick one: now and then somebody known."""
        if self.count > 20 and self.luck.random() < 0.15:
            return self.first + self.luck.randrange(max(0, self.count - 400), self.count)
        return self.newcomer()

    def newcomer(self) -> int:
        """Invent one more."""
        self.count += 1
        return self.first + self.count - 1


def phone_of(customer: int) -> str:
    """Give a customer's number, in the range that nobody has."""
    return f"010{customer:08}"
