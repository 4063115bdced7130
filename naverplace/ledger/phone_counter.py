"""How many messages a phone was sent within 24 hours, counted before each of them is sent.

The count rests on nothing that the ledger says: a run that never learns of an acceptance is what
it is for. Where it says that the cap is reached, SENS's own log has the last word, since a try in
doubt counts as well; but not more than three times the cap are ever tried.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from boto3.dynamodb.conditions import Attr
from pydantic import SecretStr

from naverplace.aws.dynamodb import from_wire
from naverplace.aws.table import StateTable
from naverplace.base.clock import Clock, format_utc, parse_time
from naverplace.base.errors import NaverPlaceError, Throttled
from naverplace.base.phone import mask
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.ledger.caps import PHONE, CapReached
from naverplace.settings.schema import Settings

PREFIX = "naverplace-phone-"
DAY = timedelta(hours=24)
_MARKS = "marks"  # the attribute: one for each message, its time first
_TRIES = 5
_HARD = 3  # times the cap, whatever SENS's log says
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PhoneCounter:
    """The counters in table `session`, by a keyed hash of the phone; threads may share it."""

    session: StateTable
    clock: Clock
    most: int
    key: SecretStr
    find: Callable[..., Sequence[SmsLogEntry]]  # SENS's log: start, end, to
    settle: timedelta = timedelta(minutes=2)  # until a message is certain to stand in that log

    def count(self, to: str) -> str:
        """Count one message to this phone; gives its mark. Raises CapReached, Transient, Permanent.

        One conditional write, or two when older marks are in its way.
        """
        mark = f"{format_utc(self.clock.now())} {uuid4().hex[:12]}"
        room = Attr(_MARKS).not_exists() | (
            Attr(_MARKS).size().lt(self.most) & ~Attr(_MARKS).contains(mark)
        )
        old = self.session.table.append({"id": self._id(to)}, _MARKS, mark, condition=room)
        tries = 0
        # botocore repeats a write whose answer was lost, and then meets its own first try.
        while old is not None and mark not in old.get(_MARKS, ()):
            if tries == _TRIES:
                raise Throttled(
                    f"the count of messages to {mask(to)} was changed by others again and again"
                )
            old, tries = self._replace(to, old, mark), tries + 1
        return mark

    def uncount(self, to: str, mark: str) -> None:
        """Take a count back: SENS has said that it did not take that message. Never raises."""
        try:
            item = self.session.get(self._id(to)) or {}
            left = [other for other in item.get(_MARKS, ()) if other != mark]
            unchanged = Attr(_MARKS).eq(item.get(_MARKS))
            self.session.table.put({**item, "id": self._id(to), _MARKS: left}, condition=unchanged)
        except NaverPlaceError as error:
            log.warning("a message that was not sent stays counted: %s", error)

    def is_reached(self, to: str) -> bool:
        """Tell whether this phone's cap is reached by its counter. Raises Transient, Permanent."""
        return len(self._recent(self.session.get(self._id(to)) or {})) >= self.most

    def reset(self, to: str) -> bool:
        """Begin to count anew for this phone; tell whether its cap was reached."""
        reached = self.is_reached(to)
        if reached:
            self.session.table.delete({"id": self._id(to)})
        return reached

    def _replace(self, to: str, old: dict[str, Any], mark: str) -> dict[str, Any] | None:
        """Put the mark in the place of those of yesterday. Raises CapReached."""
        recent = self._recent(old)
        if len(recent) >= self.most:
            self._ask_the_log(to, recent)
        item = {"id": self._id(to), _MARKS: [*recent, mark]}
        return self.session.table.put(item, condition=Attr(_MARKS).eq(old.get(_MARKS)))

    def _ask_the_log(self, to: str, recent: Sequence[str]) -> None:
        """Raise CapReached unless SENS's log shows that fewer were accepted than were tried."""
        now, why = self.clock.now(), "SENS's log says the same"
        try:
            if len(recent) < _HARD * self.most:
                listed = len(self.find(start=now - DAY, end=now + self.settle, to=to))
                young = sum(at > now - self.settle for at in map(_time, recent))
                if listed + young < self.most:
                    return
        except NaverPlaceError as error:
            why = f"SENS's log could not be read: {error}"
        raise CapReached(
            PHONE,
            f"{len(recent)} messages to {mask(to)} within 24 hours, at most {self.most}; {why}",
        )

    def _recent(self, item: dict[str, Any]) -> list[str]:
        return [mark for mark in item.get(_MARKS, ()) if _time(mark) > self.clock.now() - DAY]

    def _id(self, to: str) -> str:
        digits = "".join(filter(str.isdigit, to))
        key = self.key.get_secret_value().encode()
        return (
            PREFIX
            + hmac.new(key, f"naverplace phone {digits}".encode(), hashlib.sha256).hexdigest()
        )


def open_phone_counter(
    settings: Settings,
    session: StateTable,
    clock: Clock,
    find: Callable[..., Sequence[SmsLogEntry]],
) -> PhoneCounter:
    """Open the counters with SENS's own secret key, which also keys what the ledger keeps."""
    return PhoneCounter(session, clock, settings.caps.per_phone, settings.sens.secret_key, find)


def old_counters(session: StateTable, *, before: datetime) -> tuple[int, list[str]]:
    """Count the phones' items, and list those without a mark since then. Raises Transient, ..."""
    items = [from_wire(item) for item in session.table.scan(ProjectionExpression=f"id, {_MARKS}")]
    phones = [item for item in items if str(item["id"]).startswith(PREFIX)]
    old = [
        str(item["id"]) for item in phones if all(_time(m) < before for m in item.get(_MARKS, ()))
    ]
    return len(phones), old


def delete_counters(session: StateTable, ids: Iterable[str], *, before: datetime) -> int:
    """Delete items that have no mark since then; gives how many."""
    deleted = 0
    for item_id in ids:
        found = session.get(item_id) or {}
        if found and all(_time(mark) < before for mark in found.get(_MARKS, ())):
            unchanged = Attr(_MARKS).eq(found.get(_MARKS))
            deleted += session.table.delete({"id": item_id}, condition=unchanged) is None
    return deleted


def _time(mark: object) -> datetime:
    return parse_time(str(mark).partition(" ")[0]) or parse_time("1970-01-01T00:00:00Z")  # type: ignore[return-value]
