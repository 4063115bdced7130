"""What happens to one run: where it is killed, where it is frozen, and whether anything hit it."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from trials.year.kernel import Kernel, Killed


@dataclass
class Fate:
    """One run's luck; every call to the outside passes two of its boundaries."""

    kernel: Kernel
    luck: Random
    kill_at: int = 0  # the boundary at which the process dies; 0 for never
    freeze_at: int = 0  # the boundary at which it stands still
    freeze_seconds: float = 0.0
    stall_seconds: float = 0.0  # between deciding and delivering
    boundaries: int = 0
    dead: bool = False
    troubles: list[str] = field(default_factory=list)  # what hit this run, for the oracle

    def boundary(self) -> None:
        """Pass one boundary; raises Killed. A dead process passes none."""
        if self.dead:
            raise Killed
        self.boundaries += 1
        if self.boundaries == self.kill_at:
            self.dead = True
            self.troubles.append("killed")
            raise Killed
        if self.boundaries == self.freeze_at:
            self.stand_still(self.freeze_seconds)

    def note(self, trouble: str) -> None:
        """Remember that something hit this run."""
        if not self.troubles or self.troubles[-1] != trouble:
            self.troubles.append(trouble)

    def stand_still(self, seconds: float) -> None:
        """Let the process be frozen, as a Lambda or a laptop is."""
        self.troubles.append(f"frozen {seconds:.0f} s")
        self.kernel.sleep(seconds)
