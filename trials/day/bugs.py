"""Planted bugs: what the day must notice. Each breaks the real code in every tick's own process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from sandbox.credentials import STORE_IDS
from trials.campaign.child import put_in_place
from trials.day.planting import RUNAWAY

UNREAD = "a store's bookings cannot be read"


@dataclass(frozen=True)
class Bug:
    """One way to break the code, and the trouble that shows it; none: hours without trouble."""

    plant: Callable[[], None]
    shown_by: str = UNREAD
    hours: tuple[float, float] = (11.0, 12.5)  # without trouble


def plant(names: str) -> None:
    """Break the code of this process in each of these ways, which commas part.

    Raises KeyError for an unknown name, AttributeError when what it replaces is not there any more.
    """
    known = {**BUGS, "one acceptance is not recorded": Bug(_one_is_not_recorded)}
    for name in filter(None, names.split(",")):
        known[name].plant()


def _one_is_not_recorded() -> None:
    """Record every acceptance but one customer's, whose message stays owed."""
    from naverplace.ledger.message_ledger import MessageLedger

    real = MessageLedger.accept

    def accept(self: MessageLedger, claim: Any, **words: Any) -> bool:
        if claim.key.phone.replace("-", "") != RUNAWAY:
            return real(self, claim, **words)
        self.release_claim(claim, "planted", now=words["now"])
        return True

    put_in_place(MessageLedger, "accept", accept)


def _alert_is_repeated() -> None:
    """Take what was told for news."""
    from naverplace.reporting import owner_messages

    put_in_place(owner_messages, "_is_news", lambda *words: True)


def _end_is_not_told() -> None:
    """Never find that something is over."""
    from naverplace.reporting.owner_messages import Look

    put_in_place(Look, "ends", lambda self, standing: False)


def _summary_each_run() -> None:
    """Tell what went out after every run, also at night."""
    from naverplace.domain.notification_routing import Summary
    from naverplace.reporting import owner_messages

    put_in_place(owner_messages, "_rested", lambda *words: True)
    put_in_place(Summary, "is_quiet", lambda self, now: False)


def _bad_bookings_each_run() -> None:
    """Forget what happens once, as soon as it is told."""
    from naverplace.pipeline import notify_owner
    from naverplace.reporting import owner_messages

    real = owner_messages.told

    def told(*words: Any) -> Any:
        return real(*words).model_copy(update={"events": {}})

    put_in_place(notify_owner, "told", told)


def _memory_is_lost() -> None:
    """Remember nothing of what was told."""
    from naverplace.domain.owner_memory import OwnerMemory
    from naverplace.ledger.owner_memory_table import OwnerMemoryTable

    put_in_place(OwnerMemoryTable, "acquire", lambda self, edit: edit(OwnerMemory())[0])
    put_in_place(OwnerMemoryTable, "release", lambda self, taken, memory: None)


def _wrong_channel() -> None:
    """Tell alarms where the summaries go, and to one person only."""
    from naverplace.domain.notification_routing import Routing

    put_in_place(Routing, "channels_for", lambda self, *, alert: ("slack",))


def _dead_channel_is_hushed_up() -> None:
    """Tell nobody that a channel is dead."""
    from naverplace.pipeline import notify_owner

    put_in_place(notify_owner, "_tell_of_channels", lambda memory, *words: memory)


def _failed_delivery_is_swallowed() -> None:
    """Follow the messages, and say nothing of those that failed."""
    from naverplace.delivery import follow

    put_in_place(follow, "_failures", lambda *words: iter(()))


def _pause_is_ignored() -> None:
    """Send as if no store were paused."""
    pauses = import_module("naverplace.ledger.pauses")
    put_in_place(pauses.Pause, "holds_at", lambda self, now: False)


def _caps_are_ignored() -> None:
    """Send without counting."""
    send_caps = import_module("naverplace.delivery.send_caps")
    put_in_place(send_caps.SendCaps, "counting", lambda self, to: nullcontext())


def _watchdog_reads_the_baseline() -> None:
    """Take the breaker's baseline, which is seldom rewritten, for the time of the last reading."""
    from naverplace.jobs.watchdog import job
    from naverplace.ledger.store_lock import StoreStateTable
    from naverplace.quality.circuit_breaker import BATCH, Baseline

    def read_last_read(table: Any) -> dict[str, Any]:
        states = StoreStateTable(table).read(STORE_IDS)
        read = {s: Baseline.from_map(state.extra.get(BATCH)) for s, state in states.items()}
        return {store_id: batch.at for store_id, batch in read.items() if batch}

    put_in_place(job, "read_last_read", read_last_read)


BUGS: dict[str, Bug] = {
    "the watchdog reads the baseline": Bug(_watchdog_reads_the_baseline, "", (1.0, 2.25)),
    "an alert is repeated": Bug(_alert_is_repeated),
    "an end is not told": Bug(_end_is_not_told),
    "a summary after each run": Bug(_summary_each_run, ""),
    "each run tells its bad bookings": Bug(_bad_bookings_each_run, "a booking without an id"),
    "what was told is forgotten": Bug(_memory_is_lost),
    "alarms go to the wrong channel": Bug(_wrong_channel),
    "a dead channel is hushed up": Bug(_dead_channel_is_hushed_up, "Slack's webhook is dead"),
    "a failed delivery is swallowed": Bug(
        _failed_delivery_is_swallowed, "a guide that SENS fails after accepting it"
    ),
    "caps are ignored": Bug(_caps_are_ignored, "nothing that is accepted is recorded"),
    "a pause is ignored": Bug(_pause_is_ignored, "a store is paused and forgotten"),
}
