"""What a service writes down of each request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass
class Seen:
    """One request that reached a service."""

    service: str
    method: str
    target: str  # path and query, without the caller; of AWS, the operation follows after a blank
    headers: dict[str, str]
    body: bytes
    at: datetime
    caller: str = ""  # who has named itself in its URLs
    status: int | str = "open"  # then the answer's status, or 'dropped'
    seconds: float = 0.0

    @property
    def line(self) -> str:
        """What a fault's `match` is looked up in."""
        return f"{self.method} {self.target}"

    @property
    def path(self) -> str:
        return self.target.partition(" ")[0].partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition(" ")[0].partition("?")[2]
