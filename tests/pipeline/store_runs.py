"""Runs step by step and whole, on a world that goes wrong between two of their steps."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from naverplace.domain.effects import Effect, SendSms
from naverplace.domain.results import ActionResult
from naverplace.ledger.store_lock import StoreLock
from naverplace.ledger.store_state import PendingMessage
from naverplace.naver.session import NaverSession
from naverplace.pipeline import context, steps, store_delivery
from naverplace.pipeline.context import RunContext
from naverplace.pipeline.local_runner import run_once
from naverplace.reporting.report import RunReport
from naverplace.settings.schema import Settings
from tests.delivery_builders import STORE, item_of, key_of
from tests.in_doubt_scenes import Scene


@dataclass
class Begun:
    """A run that has decided what it owes one store, and has sent nothing yet."""

    run: RunContext
    session: NaverSession
    effects: Sequence[Effect]

    @property
    def sends(self) -> list[SendSms]:
        return [effect for effect in self.effects if isinstance(effect, SendSms)]

    def send(self, kind: str) -> SendSms:
        (found,) = (effect for effect in self.sends if effect.kind == kind)
        return found

    def deliver(self, effects: Sequence[Effect] | None = None) -> dict[str, ActionResult]:
        """Deliver it all, or these effects; gives the messages' results by kind."""
        wanted = self.effects if effects is None else effects
        results = store_delivery.deliver_store(self.run, self.session, STORE, wanted)
        return {result.kind: result for result in results if result.action == "send_sms"}


@dataclass
class Shop(Scene):
    """A scene with whole runs, and what dead ones leave in the store's item."""

    ledger_settings: dict[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        loaded = super().settings
        ledger = loaded.ledger.model_copy(update=self.ledger_settings)
        return loaded.model_copy(update={"ledger": ledger})

    def run(self, run_id: str = "next", **options: Any) -> RunReport:
        return run_once(self.settings, run_id=run_id, door="cli", **options)

    def begin(self, run_id: str = "slow") -> Begun:
        """Let a run decide, and halt before it sends."""
        run = context.open_run(self.settings, run_id=run_id, door="cli", only=[STORE])
        return self.go_on(run, steps.restore_session(run))

    def go_on(self, run: RunContext, session: NaverSession) -> Begun:
        """Let a run that has its session read and decide."""
        batches = [steps.read_store(run, session, STORE)]
        decided = steps.decide(run, steps.check_quality(run, batches))
        return Begun(run, session, decided.effects_of(STORE))

    def hold(self, opening: Collection[PendingMessage] = (), **ledger: float) -> StoreLock:
        """Take the store as another run, and keep it."""
        before, self.ledger_settings = self.ledger_settings, {**self.ledger_settings, **ledger}
        run = RunContext(self.settings, run_id="other", door="cli", dry_run=False)
        self.ledger_settings = before
        return run.store_locks.acquire(STORE, opening, wait=False)

    def crash(self, effect: SendSms, *, sent: bool) -> str:
        """Die with this message claimed and open; gives the request id."""
        self.hold([PendingMessage(effect.key, effect.kind)])
        return self.die(effect, sent=sent)

    def open_messages(self) -> set[PendingMessage]:
        run = RunContext(self.settings, run_id="look", door="cli", dry_run=True)
        return set(run.store_locks.table.read([STORE])[STORE].open)

    def sent_kinds(self, begun: Begun) -> list[tuple[str, str]]:
        """List what of a run's messages has been accepted: kind and phone."""
        texts = {(effect.to, effect.text.strip()): effect.kind for effect in begun.sends}
        return [
            (texts[to, content.strip()], to)
            for to, content in self.received()
            if (to, content.strip()) in texts
        ]

    def door_message(self, like: SendSms, number: int) -> SendSms:
        """Invent another booking's message with access data, read when that one was."""
        return replace(like, key=key_of(number), item=item_of(number))

    def deliver_all(self, begun: Begun, effects: Sequence[Effect]) -> list[ActionResult]:
        return store_delivery.deliver_store(begun.run, begun.session, STORE, effects)

    def received(self) -> list[tuple[str, str]]:
        return [(str(m["to"]), str(m["content"])) for m in self.world.world.messages]
