"""Planted bugs: what the campaign must notice. Each breaks the real code in a run's own process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from naverplace.delivery import deliver, executor, in_doubt
from naverplace.delivery import outcomes as sending_module
from naverplace.domain.records import LedgerEntry
from naverplace.domain.results import Outcome
from naverplace.ledger.message_ledger import Claim, MessageLedger
from naverplace.messaging.sens import SensClient
from naverplace.rules import expiry
from trials.campaign.child import put_in_place


def plant(name: str) -> None:
    """Break the code of this process in one way, not at all for no name.

    Raises KeyError for an unknown name, AttributeError when what it replaces is not there any more.
    """
    if name:
        BUGS[name]()


def _second_claim_is_granted() -> None:
    """Grant every claim, whatever the ledger says."""

    def try_claim(self: MessageLedger, claim: Claim, seen: object) -> None:
        entry = {f"message_{claim.kind}": claim.message.as_map()}
        self.records.table.update(claim.key._asdict(), entry)

    put_in_place(MessageLedger, "_try_claim", try_claim)


def _acceptance_flips_no_flag() -> None:
    """Record an acceptance without the legacy's flag, and as owed."""

    def accept(self: MessageLedger, claim: Claim, **words: Any) -> bool:
        self.release_claim(claim, "planted", now=words["now"])
        return True

    put_in_place(MessageLedger, "accept", accept)


def _doubt_is_freed_at_once() -> None:
    """Free what is in doubt without asking anybody."""

    def mark_in_doubt(self: MessageLedger, claim: Claim, reason: str, *, now: Any) -> bool:
        return self.release_claim(claim, reason, now=now)

    put_in_place(MessageLedger, "mark_in_doubt", mark_in_doubt)


def _log_is_not_read() -> None:
    """Believe that SENS's log is empty."""
    put_in_place(SensClient, "find", lambda self, **words: [])


def _certain_too_early() -> None:
    """Think that whatever is not in the log was not sent, and free claims of dead runs blindly."""
    put_in_place(in_doubt, "pick", lambda *words: None)
    put_in_place(deliver, "pick", lambda *words: None)


def time_out_is_repeated() -> None:
    """Send once more when no answer came."""
    real = SensClient.send

    def send(self: SensClient, **words: Any) -> Any:
        try:
            return real(self, **words)
        except Exception:  # noqa: BLE001 - that is the bug
            return real(self, **words)

    put_in_place(SensClient, "send", send)


def _claim_comes_after_the_send() -> None:
    """Send first and claim then."""

    def send_sms(self: executor.EffectExecutor, attempt: Any, effect: Any) -> Any:
        claim = Claim(effect.key, effect.kind, LedgerEntry("claimed", claimed_at=self.clock.now()))
        call = sending_module.call_provider(lambda: self._send(effect, claim))
        if call.outcome is not Outcome.ACCEPTED:
            return attempt.finish(call.outcome, call.message)
        granted = self._claim(attempt, effect, effect.kind)
        return self._record(attempt, granted, call) if isinstance(granted, Claim) else granted

    put_in_place(executor.EffectExecutor, "_send_sms", send_sms)


def _failures_are_forgotten() -> None:
    """Record whatever happened as accepted."""
    real = executor.EffectExecutor._record

    def record(self: executor.EffectExecutor, attempt: Any, claim: Claim, call: Any) -> Any:
        accepted = replace(call, outcome=Outcome.ACCEPTED, request_id="none")
        return real(self, attempt, claim, accepted)

    put_in_place(executor.EffectExecutor, "_record", record)


def _doubts_are_forgotten() -> None:
    """Never look at what is in doubt again, and do not name it."""
    put_in_place(deliver, "in_doubt_messages", lambda *words: [])
    real = sending_module.explain_refusal

    def explain_refusal(claim: Any) -> tuple[Outcome, str]:
        outcome, words = real(claim)
        return (Outcome.SKIPPED if outcome is Outcome.IN_DOUBT else outcome), words

    put_in_place(executor, "explain_refusal", explain_refusal)


def _expired_is_not_named() -> None:
    """Never list what has expired."""
    put_in_place(expiry, "find_expired", lambda *words, **more: ())


BUGS: dict[str, Callable[[], None]] = {
    "second claim is granted": _second_claim_is_granted,
    "acceptance is not recorded": _acceptance_flips_no_flag,
    "doubt is freed at once": _doubt_is_freed_at_once,
    "log is not read": _log_is_not_read,
    "nothing in the log fits": _certain_too_early,
    "time-out is repeated": time_out_is_repeated,
    "claim comes after the send": _claim_comes_after_the_send,
    "failures count as accepted": _failures_are_forgotten,
    "doubts are forgotten": _doubts_are_forgotten,
    "expired is not named": _expired_is_not_named,
}
