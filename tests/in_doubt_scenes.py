"""A world in which runs have left messages in doubt, and what the next one makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from naverplace.delivery.deliver import InDoubtResolver
from naverplace.delivery.in_doubt import InDoubtMessage, in_doubt_messages
from naverplace.domain.effects import RecordKey, SendSms
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import LedgerEntry
from naverplace.ledger.message_ledger import Claim, MessageLedger
from naverplace.messaging.sens import SensClient
from naverplace.settings.loader import load_settings
from naverplace.settings.schema import Settings
from sandbox.server import Sandbox
from tests.delivery_builders import a_send, item_of, key_of, open_table, quick

FIRST = 71  # a booking that no scenario has, and no other of its phone
TWIN = 10071


@dataclass
class Scene:
    """A sandbox, its settings at whatever time it is there, and runs that died."""

    world: Sandbox
    env: dict[str, str]
    settle_seconds: float = 0.2
    clock_offset: float = 0.0  # of our clock, from the world's

    @property
    def settings(self) -> Settings:
        loaded = quick(load_settings(env={**self.env, **self.world.environment()}, env_file=None))
        ledger = loaded.ledger.model_copy(update={"settle_seconds": self.settle_seconds})
        offset = loaded.clock.offset_seconds + self.clock_offset
        clock = loaded.clock.model_copy(update={"offset_seconds": offset})
        return loaded.model_copy(update={"ledger": ledger, "clock": clock})

    @property
    def table(self) -> MessageLedger:
        return open_table(self.settings)

    @property
    def sens(self) -> SensClient:
        return SensClient(self.settings.sens, self.settings.make_clock())

    def later(self, seconds: float) -> Self:
        """Let time pass for everybody."""
        self.world.world.advance(seconds)
        return self

    def message(self, number: int = FIRST, kind: str = "guide") -> SendSms:
        return a_send(self.settings, number, kind)

    def twin(self) -> SendSms:
        """Give another booking's message to the same phone, with the same text."""
        return replace(self.message(), key=key_of(TWIN), item=item_of(TWIN))

    def die(self, effect: SendSms, *, sent: bool, seen_to_fail: bool = False) -> str:
        """Claim a message, send it or not, and leave it there; gives the request id."""
        settings, now = self.settings, self.settings.make_clock().now()
        self.table.records.create({**item_of(0), **effect.key._asdict()})
        entry = LedgerEntry(
            MessageStatus.CLAIMED,
            execution_id="dead",
            claimed_at=now,
            to=effect.to if effect.receiver == "visitor" else "",
            content_hash=self.sens.fingerprint(
                to=effect.to, sender=effect.sender, subject=effect.subject, text=effect.text
            ),
        )
        claim = self.table.claim(effect.key, effect.kind, entry, flag=effect.flag)
        assert isinstance(claim, Claim), claim
        request_id = self.send(effect.to, effect.text, effect.subject) if sent else ""
        if seen_to_fail:
            self.table.mark_in_doubt(claim, "timed out", now=settings.make_clock().now())
        return request_id

    def send(self, to: str, text: str, subject: str = "안내") -> str:
        """Send past the ledger, as a dead run or a stranger with the same account has."""
        sender = self.settings.sens.default_sender
        return self.sens.send(to=to, sender=sender, subject=subject, text=text)

    def settler(self) -> InDoubtResolver:
        settings, clock = self.settings, self.settings.make_clock()
        return InDoubtResolver(
            open_table(settings), SensClient(settings.sens, clock), clock, settings.ledger
        )

    def doubts(self, keys: Sequence[RecordKey]) -> list[InDoubtMessage]:
        return in_doubt_messages(self.table.records.read(keys).values())

    def settle(self, *numbers: int, knowing: Sequence[int] = ()) -> list[InDoubtMessage]:
        """Settle the doubts about these bookings as the next run does, knowing others' records."""
        keys = [key_of(number) for number in numbers or (FIRST,)]
        settler = self.settler()
        settler.add_known_requests(self.table.records.read([*keys, *map(key_of, knowing)]).values())
        return settler.resolve(self.doubts(keys))

    def ledger(self, number: int = FIRST, kind: str = "guide") -> LedgerEntry:
        return self.table.records.read([key_of(number)])[key_of(number)].messages[kind]
