"""Faults on demand: what can go wrong between a client and a service."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

PLAIN_KINDS = (
    "timeout_before",  # the request arrives, nothing is done, and no answer ever comes
    "timeout_after",  # it is done, and no answer ever comes
    "drop_before",  # nothing is done, and the connection is closed
    "drop_after",  # it is done, and the connection is closed
    "html",  # 200 with a web page; nothing is done
    "json",  # 200 with the text `value` as its body; nothing is done
    "truncate",  # it is done; the connection breaks in the middle of the answer
    "truncate_text",  # it is done; half of the answer, sent as if it were whole
    "expire_session",  # every Naver log-in ends, then the request goes on
    "hook_before",  # nothing is done; `value` is called, then the connection is closed
    "hook_after",  # it is done; `value` is called, then the connection is closed
    "hook_then",  # `value` is called, then the request goes on
    "raw",  # nothing is done; `value()` gives what is written on the line: bytes, and waits
    "raw_after",  # it is done; then as `raw`
)
SERVICES = ("nid", "partner", "sens", "telegram", "slack", "aws")


@dataclass
class Fault:
    """One thing that goes wrong.

    It hits requests of `service` whose "METHOD path?query" (of AWS: "POST / Operation") holds
    `match`: the first `after` of them pass, then `times` are hit (None: all). Kinds are
    PLAIN_KINDS, `status:<code>`, `status_after:<code>` (it is done, and the answer is an error),
    `latency:<seconds>` and `trickle:<seconds>` (it is done, and the answer comes byte by byte, each
    so long after the one before). `value` is, for a status 429, the seconds
    to wait; for AWS the exception's name; for SENS code and words; for a time-out the seconds until
    the line goes dead. With `holding` only requests are hit whose body holds it.
    """

    service: str
    match: str = ""
    kind: str = "status:503"
    after: int = 0
    times: int | None = 1
    value: Any = None
    holding: str = ""
    seen: int = field(default=0, compare=False)
    hits: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        if self.kind not in PLAIN_KINDS and not _is_numbered(self.kind):
            raise ValueError(
                f"unknown fault {self.kind!r}; use status[_after]:<code>, latency:<seconds>, "
                f"trickle:<seconds>, {', '.join(PLAIN_KINDS)}"
            )
        if self.service not in SERVICES:
            raise ValueError(f"unknown service {self.service!r}; use {', '.join(SERVICES)}")

    @property
    def number(self) -> float:
        return float(self.kind.partition(":")[2] or 0)

    def strikes(self, service: str, line: str) -> bool:
        """Tell whether this request is hit, and count it."""
        if service != self.service or self.match not in line:
            return False
        self.seen += 1
        if self.seen <= self.after or (self.times is not None and self.hits >= self.times):
            return False
        self.hits += 1
        return True


def _is_numbered(kind: str) -> bool:
    name, _, number = kind.partition(":")
    try:
        if name in ("status", "status_after"):
            return bool(HTTPStatus(int(number)))
        return name in ("latency", "trickle") and 0 <= float(number) < 3600
    except ValueError:
        return False
