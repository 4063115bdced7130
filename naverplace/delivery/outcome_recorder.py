"""Writing down in the ledger how a call to a provider ended. Never raises, never sends."""

from __future__ import annotations

from dataclasses import dataclass

from naverplace.base.clock import Clock
from naverplace.base.errors import Transient
from naverplace.delivery.outcomes import Breaker, Sending, Step, shielded, words_of
from naverplace.domain.results import ActionResult, Outcome
from naverplace.ledger.claims import Claim
from naverplace.ledger.message_ledger import SmsTable


@dataclass(frozen=True)
class Recorder:
    """Moves claims on by what became of their calls."""

    table: SmsTable
    clock: Clock
    breaker: Breaker  # of the table

    def record(self, step: Step, call: Sending) -> ActionResult:
        """Record in the ledger how the call ended. Never raises, never sends."""
        return shielded(
            lambda: self._record(step, call),
            lambda error: self._unrecorded(step, call, error),
        )

    def _record(self, step: Step, call: Sending) -> ActionResult:
        claim, now = step.granted, self.clock.now()
        if call.outcome is Outcome.ACCEPTED:
            if not step.wrote(self._accept(claim, call.request_id)):
                return self._unrecorded(step, call, None)
        elif call.outcome is Outcome.IN_DOUBT:
            step.wrote(self.table.doubt(claim, call.message, now=now))
        else:
            refused = call.content_refused
            step.wrote(self.table.release(claim, call.message, now=now, refused=refused))
        return step.end(
            call.outcome, call.message, request_id=call.request_id, seconds=call.seconds
        )

    def _accept(self, claim: Claim, request_id: str) -> bool:
        """Record an acceptance, and try once more after the table's own retries."""
        try:
            return self.table.accept(claim, request_id=request_id, now=self.clock.now())
        except Transient:
            return self.table.accept(claim, request_id=request_id, now=self.clock.now())

    def _unrecorded(self, step: Step, call: Sending, error: Exception | None) -> ActionResult:
        """Report what the ledger does not know; the claim that stays there keeps it unsent."""
        if isinstance(error, Transient):
            self.breaker.note(str(error))
        why = words_of(error) if error else "the claim was not ours any more"
        ends = {Outcome.ACCEPTED: Outcome.IN_DOUBT, Outcome.SKIPPED: Outcome.FAILED}
        return step.end(
            ends.get(call.outcome, call.outcome),
            f"{call.message or 'the provider accepted it'}; not recorded in the ledger: {why}",
            request_id=call.request_id,
            seconds=call.seconds,
        )
