"""Who has refused advertisements by the free 080 number: SENS's list, kept as keyed hashes.

A run asks for what is new since the last one; once a day the whole list is read, since a number
that was taken off it again shows in no other way.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import SecretStr

from naverplace.aws.table import StateTable
from naverplace.base.clock import format_utc, parse_time

ITEM = "naverplace-opt-outs"
_WHOLE = timedelta(hours=24)  # from one reading of the whole list to the next
_OVERLAP = timedelta(hours=1)  # SENS's clock is not ours
Pull = Callable[[datetime | None, datetime], Iterable[str]]  # registered from, until: phones


@dataclass(frozen=True)
class OptedOut:
    """The phones that want no advertisement; it answers for a phone, and names none."""

    hashes: frozenset[str] = field(repr=False)
    key: SecretStr

    def __contains__(self, phone: object) -> bool:
        return _hash(str(phone), self.key) in self.hashes


def pull_opt_outs(
    table: StateTable, pull: Pull, key: SecretStr, *, now: datetime, keep: bool = True
) -> OptedOut:
    """Ask SENS who is new, and remember it; one request as long as few are.

    With `keep` False nothing is written. Raises Transient, Permanent.
    """
    item = table.get(ITEM) or {}
    until, whole = parse_time(item.get("until")), parse_time(item.get("whole"))
    known = frozenset(map(str, item.get("phones") or ()))
    since = until - _OVERLAP if until and whole and now - whole < _WHOLE else None
    new = frozenset(_hash(phone, key) for phone in pull(since, now))
    hashes = new if since is None else known | new
    # Unchanged it is not written again: the next run asks from the same moment.
    if keep and (since is None or hashes != known):
        read_whole = now if since is None else whole or now
        table.put(
            {
                "id": ITEM,
                "until": format_utc(now),
                "whole": format_utc(read_whole),
                "phones": sorted(hashes),
            }
        )
    return OptedOut(hashes, key)


def _hash(phone: str, key: SecretStr) -> str:
    digits = "".join(filter(str.isdigit, phone))
    words = f"naverplace opt-out {digits}".encode()
    return hmac.new(key.get_secret_value().encode(), words, hashlib.sha256).hexdigest()[:20]
