"""What a test can switch in the booking API, and changes that happen while it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

EXPIRED_VARIANTS = ("json401", "json403", "redirect", "html")


@dataclass
class Change:
    """A change at Naver right after an answer: `after` is 'count' or 'page:0', 'page:1', ...

    The first `skip` of these answers pass without it.
    """

    store_id: str
    after: str
    add: Mapping[str, Any] | None = None
    set_status: tuple[int, str] | None = None  # booking id, new status code
    skip: int = 0


@dataclass
class BookingSwitches:
    """How strict the booking API is, by default very (outside-services: Naver API times)."""

    max_range_days: int | None = 31
    max_size: int = 1000
    clamp_size: int | None = None  # a larger page is silently cut to this size
    # 401 until the list page was opened once (outside-services: Naver cookies)
    needs_service_cookie: bool = False
    complete_after: timedelta | None = None  # after its end a confirmed booking turns RC08
    changes: list[Change] = field(default_factory=list)

    def due(self, store_id: str, after: str) -> list[Change]:
        """Take the changes that this answer triggers; each happens once."""
        met = [c for c in self.changes if (c.store_id, c.after) == (store_id, after)]
        due = [change for change in met if not change.skip]
        for change in met:
            change.skip = max(0, change.skip - 1)
        self.changes = [c for c in self.changes if c not in due]
        return due
