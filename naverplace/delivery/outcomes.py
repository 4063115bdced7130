"""What became of a call, an effect and a service, in the words of results."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Condition
from typing import TypeVar

from naverplace.base.clock import SEOUL
from naverplace.base.errors import NaverPlaceError, OutcomeUnknown, Refused, TooLate
from naverplace.domain.effects import (
    CreateRecord,
    Effect,
    MarkExpired,
    MoveRecord,
    Notify,
    Reserve,
    SendSms,
    SetFlag,
)
from naverplace.domain.message_status import WITH_PROVIDER, MessageStatus
from naverplace.domain.results import ActionResult, Outcome
from naverplace.ledger.caps import CapReached, NotCounted
from naverplace.ledger.message_ledger import ClaimRefused, next_try
from naverplace.ledger.reservations import LEFT
from naverplace.redaction.redactor import REDACTOR

logger = logging.getLogger(__name__)
T = TypeVar("T")
PATIENCE = 3  # failures of a service in a row, after which the rest waits for the next run
OURS = ("401", "403", "404")  # refusals of our keys or addresses, not of one message
_ACTIONS = {
    CreateRecord: "create_db_record",
    MarkExpired: "mark_expired",
    MoveRecord: "move_record",
    Reserve: "reserve",
    SendSms: "send_sms",
    SetFlag: "update_flag",
}
_SKIPPED: dict[str, str] = {  # by why a claim was refused
    "flag_set": "its flag is set: it was sent already",
    "unreserved": LEFT,
    "reserved": "reserved, and sent when no run of the legacy can know it otherwise",
    MessageStatus.EXPIRED: "its time was over in an earlier run",
    **dict.fromkeys(WITH_PROVIDER, "the provider has accepted it already"),
}


@dataclass(frozen=True)
class SendResult:
    """How one call to a provider ended."""

    outcome: Outcome
    message: str = ""
    request_id: str = ""
    seconds: float = 0.0
    asked: bool = True  # False: the provider was not even asked
    content_refused: bool = False  # it was this message, not our keys, that was refused

    @property
    def service_failed(self) -> bool:
        """Tell whether the next message would fare no better."""
        ours = self.outcome is Outcome.REFUSED and not self.content_refused
        return self.asked and (ours or self.outcome in (Outcome.FAILED, Outcome.IN_DOUBT))


@dataclass
class Attempt:
    """One effect on its way, with the writes it has cost."""

    effect: Effect
    writes: int = 0

    def count_write(self, written: bool) -> bool:
        """Count a write that succeeded."""
        self.writes += written
        return written

    def finish(
        self, outcome: Outcome, message: str = "", *, request_id: str = "", seconds: float = 0.0
    ) -> ActionResult:
        """Word the effect's end, and log it without phone, name or text."""
        effect = self.effect
        result = ActionResult(
            rule=effect.rule,
            action=f"send_{effect.channel}"
            if isinstance(effect, Notify)
            else _ACTIONS[type(effect)],
            booking_num=effect.key.booking_num,
            store_id=effect.key.store_id,
            outcome=outcome,
            kind=effect.kind if isinstance(effect, SendSms | Notify | MarkExpired) else "",
            message=message,
            params=_params(effect),
            request_id=request_id,
            seconds=seconds,
            writes=self.writes,
        )
        logger.log(
            logging.INFO if result.success else logging.ERROR,
            "booking %s: %s %s is %s %s %s",
            *(result.booking_num, result.action, result.kind, outcome.value, request_id, message),
        )
        return result


@dataclass
class Breaker:
    """Holds back from a service that fails again and again, so that little is put in doubt.

    What is under way at the same time counts as if it failed, until it is known; threads share it.
    """

    service: str
    failures: int = 0
    last: str = ""
    _under_way: int = 0
    _changed: Condition = field(default_factory=Condition, repr=False, compare=False)

    @contextmanager
    def attempt(self) -> Iterator[str]:
        """Hold one of the tries that are left; gives why the service is not asked, if it is not."""
        with self._changed:
            self._changed.wait_for(
                lambda: not self._under_way or self.failures + self._under_way < PATIENCE
            )
            self._under_way += 1
        try:
            yield self.reason
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def note(self, error: str) -> None:
        """Count a failure, or with an empty text a success."""
        with self._changed:
            self.failures, self.last = (self.failures + 1, error) if error else (0, "")

    @property
    def reason(self) -> str:
        """Say why the service is not asked now; empty when it is."""
        if self.failures < PATIENCE:
            return ""
        return f"not tried: {self.service} failed {self.failures} times in a row ({self.last})"


def run_guarded(work: Callable[[], T], broken: Callable[[Exception], T]) -> T:
    """Do the work, or turn what it raises into a result: one booking never stops the others."""
    try:
        return work()
    except Exception as error:
        if not isinstance(error, NaverPlaceError):
            logger.error("a defect of ours", exc_info=error)
        return broken(error)


def call_provider(call: Callable[[], str | None]) -> SendResult:
    """Make one call that may give a request id, and tell how it ended and how long it took."""
    started = time.monotonic()
    ended = run_guarded(lambda: SendResult(Outcome.ACCEPTED, request_id=call() or ""), _sending_of)
    return replace(ended, seconds=time.monotonic() - started)


def _sending_of(error: Exception) -> SendResult:
    if isinstance(error, Refused):
        content = error.code not in OURS
        return SendResult(Outcome.REFUSED, str(error), content_refused=content)
    if isinstance(error, OutcomeUnknown):
        return SendResult(Outcome.IN_DOUBT, str(error))
    if isinstance(error, CapReached):
        return SendResult(Outcome.CAPPED, str(error), asked=False)
    if isinstance(error, NaverPlaceError):
        return SendResult(
            Outcome.FAILED, str(error), asked=not isinstance(error, NotCounted | TooLate)
        )
    # A defect of ours may strike after the message has left.
    return SendResult(Outcome.IN_DOUBT, f"unexpected {type(error).__name__}")


def _params(effect: Effect) -> dict[str, str | bool]:
    if isinstance(effect, SendSms):
        return {"template": effect.template, "type": effect.message_type}
    if isinstance(effect, SetFlag):
        return {"flag": effect.flag, "value": effect.value}
    return {}


def describe_error(error: Exception) -> str:
    """Word an error; the text of an unexpected one may hold anything, so it stays out."""
    if not isinstance(error, NaverPlaceError):
        return f"unexpected {type(error).__name__}"
    return REDACTOR.scrub(str(error))


def explain_refusal(claim: ClaimRefused) -> tuple[Outcome, str]:
    """Tell what a claim that was not granted means for the effect."""
    entry = claim.message
    if claim.why == "no_record":
        return Outcome.FAILED, "the booking has no record"
    if claim.why in _SKIPPED:
        return Outcome.SKIPPED, _SKIPPED[claim.why]
    if claim.why == "given_up" and entry:
        return Outcome.REFUSED, f"given up after {entry.refusals} refusals: {entry.reason}"
    if claim.why == "backing_off" and entry:
        again = next_try(entry)
        when = f"{again.astimezone(SEOUL):%H:%M}" if again else "the next run"
        return Outcome.REFUSED, f"refused {entry.refusals} times: {entry.reason}; again from {when}"
    since = f"{entry.claimed_at:%Y-%m-%d %H:%M:%S}" if entry and entry.claimed_at else "unknown"
    by = entry.execution_id if entry else "unknown"
    return Outcome.IN_DOUBT, f"{claim.why} by run {by} at {since} and not settled: not sent again"
