"""Sharing many stores between several runs: who does which, and what all of them did; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from naverplace.domain.troubles import Source, Trouble, TroubleKind
from naverplace.reporting.markdown import render_page
from naverplace.reporting.owner_messages import Look


@dataclass(frozen=True)
class Shard:
    """What became of one part of the stores."""

    number: int
    stores: tuple[str, ...]
    name: str = ""  # of its run
    state: str = ""  # the run's last state, such as Completed
    messages: Mapping[str, int] = field(default_factory=dict)  # accepted, by kind
    why: str = ""  # the state's message

    @property
    def good(self) -> bool:
        """Tell whether its run did everything."""
        return self.state == "Completed"

    def row(self) -> dict[str, object]:
        """Give it as a row of a table."""
        sent = ", ".join(f"{kind} {count}" for kind, count in self.messages.items() if count)
        return {
            "shard": self.number,
            "run": self.name,
            "state": self.state,
            "stores": len(self.stores),
            "messages": sent,
            "why": "" if self.good else self.why,
        }


def split(store_ids: Sequence[str], shards: int) -> list[tuple[str, ...]]:
    """Split the stores into at most so many parts of about one size; each store is in one part.

    A store stays in its part as long as the stores before it do not change. Raises ValueError for
    less than one part.
    """
    if shards < 1:
        raise ValueError(f"shards must be 1 or more, not {shards}")
    parts = [tuple(store_ids[first::shards]) for first in range(shards)]
    return [part for part in parts if part]


def messages_of(shards: Iterable[Shard]) -> dict[str, int]:
    """Add up what was sent, by kind."""
    total: Counter[str] = Counter()
    for shard in shards:
        total.update(shard.messages)
    return dict(total)


def shards_look(shards: Sequence[Shard], *, now: datetime, rulebook: str) -> Look:
    """Give what all shards of one tick came to; a run that failed by itself has told why."""
    kind = TroubleKind.SHARD_FAILED
    troubles = tuple(
        Trouble(
            kind,
            f"shard {shard.number}",
            shard.name,
            f"{shard.state or '시작하지 못함'} {shard.why}",
        )
        for shard in shards
        if shard.state not in ("Completed", "Failed")
    )
    report = shards_in_korean(shards, now=now, rulebook=rulebook)
    return Look(Source.RUN, now, troubles, {kind: None}, summarises=True, report=report)


def shards_in_korean(shards: Sequence[Shard], *, now: datetime, rulebook: str) -> str:
    """Word one tick for the owner, as one run would have told it."""
    return render_page(
        "shards_message.txt.j2",
        shards=shards,
        rulebook=rulebook,
        bad=[shard for shard in shards if not shard.good],
        sent=messages_of(shards),
        now=now,
    ).removesuffix("\n")
