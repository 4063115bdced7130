"""Writing down in the ledger how a call to a provider ended. Never raises, never sends."""

from __future__ import annotations

from dataclasses import dataclass

from naverplace.base.clock import Clock
from naverplace.base.errors import Transient
from naverplace.delivery.outcomes import Attempt, Breaker, SendResult, describe_error, run_guarded
from naverplace.domain.results import ActionResult, Outcome
from naverplace.ledger.claims import Claim
from naverplace.ledger.message_ledger import MessageLedger


@dataclass(frozen=True)
class Recorder:
    """Moves claims on by what became of their calls."""

    table: MessageLedger
    clock: Clock
    breaker: Breaker  # of the table

    def record(self, attempt: Attempt, call: SendResult) -> ActionResult:
        """Record in the ledger how the call ended. Never raises, never sends."""
        return run_guarded(
            lambda: self._record(attempt, call),
            lambda error: self._unrecorded(attempt, call, error),
        )

    def _record(self, attempt: Attempt, call: SendResult) -> ActionResult:
        claim, now = attempt.granted, self.clock.now()
        if call.outcome is Outcome.ACCEPTED:
            if not attempt.count_write(self._accept(claim, call.request_id)):
                return self._unrecorded(attempt, call, None)
        elif call.outcome is Outcome.IN_DOUBT:
            attempt.count_write(self.table.mark_in_doubt(claim, call.message, now=now))
        else:
            refused = call.content_refused
            attempt.count_write(
                self.table.release_claim(claim, call.message, now=now, refused=refused)
            )
        return attempt.finish(
            call.outcome, call.message, request_id=call.request_id, seconds=call.seconds
        )

    def _accept(self, claim: Claim, request_id: str) -> bool:
        """Record an acceptance, and try once more after the table's own retries."""
        try:
            return self.table.accept(claim, request_id=request_id, now=self.clock.now())
        except Transient:
            return self.table.accept(claim, request_id=request_id, now=self.clock.now())

    def _unrecorded(
        self, attempt: Attempt, call: SendResult, error: Exception | None
    ) -> ActionResult:
        """Report what the ledger does not know; the claim that stays there keeps it unsent."""
        if isinstance(error, Transient):
            self.breaker.note(str(error))
        why = describe_error(error) if error else "the claim was not ours any more"
        ends = {Outcome.ACCEPTED: Outcome.IN_DOUBT, Outcome.SKIPPED: Outcome.FAILED}
        return attempt.finish(
            ends.get(call.outcome, call.outcome),
            f"{call.message or 'the provider accepted it'}; not recorded in the ledger: {why}",
            request_id=call.request_id,
            seconds=call.seconds,
        )
