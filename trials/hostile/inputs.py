"""An input by its family and seed, and what a family is."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trials.hostile.player import Player

NIGHT = 100_000  # seeds of one night; the known inputs are seeds of their own, played every night


@dataclass
class Verdict:
    """What is wrong, by seed, and with a whole batch that cannot be told by whom."""

    by_seed: dict[int, list[str]]
    shared: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.shared and not any(self.by_seed.values())


class Family(ABC):
    """One kind of odd input: those that are known, and any number that a seed makes."""

    name: str
    whole: int  # inputs of the whole play
    short: int  # inputs of the short one
    batch: int = 1  # inputs that share a world, where each is judged by itself
    known: Sequence[Any] = ()

    @abstractmethod
    def made(self, rng: random.Random) -> Any:
        """Make an input that nobody has written down."""

    @abstractmethod
    def play(self, player: Player, given: Mapping[int, Any]) -> Verdict:
        """Let the real code have these inputs, by seed, and judge each of them."""

    def value(self, seed: int) -> Any:
        """Give the input of this seed, the same one every time."""
        if seed < len(self.known):
            return self.known[seed]
        return self.made(random.Random(f"{self.name}/{seed}"))

    def seeds(self, night: int, *, short: bool) -> list[int]:
        """List the seeds of a play: the known inputs first, then this night's."""
        count = self.short if short else self.whole
        known = list(range(len(self.known)))
        if short:  # some of them, others every night
            random.Random(night).shuffle(known)
            known = known[: (count + 1) // 2]
        known = known[:count]
        return [*known, *range(night * NIGHT, night * NIGHT + count - len(known))]
