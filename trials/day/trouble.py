"""One trouble of a day as a value, and the alerts that it must produce."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from naverplace.domain.troubles import TroubleKind
from trials.day.planting import Do

BOTH = ("owner", "engineer")
# What is told by others than naverplace: the Prefect server, and the dead-man's switch outside.
CRASHED, TIMED_OUT, LATE, CANCELLED, NO_SIGNAL = (
    "Crashed",
    "TimedOut",
    "Late",
    "Cancelled",
    "no signal",
)


def nothing(player: object) -> None:
    """Plant nothing: the one that is planted at the same time does it."""


@dataclass(frozen=True)
class Trouble:
    """One trouble: planted two minutes before a run, and mended after `minutes`."""

    name: str
    plant: Do = nothing
    mend: Do | None = None
    says: tuple[str, ...] = ()  # all of them stand in the paragraph that tells it; (): silence
    kinds: tuple[TroubleKind | str, ...] = ()  # of alerts: it is told by these, and no others
    to: tuple[str, ...] = BOTH
    within: float = 20.0  # minutes from planting to telling
    ends: bool = True  # its end is told, too
    ends_to: tuple[str, ...] = ()  # to these, when not to all who were told
    minutes: float = 24.0
    settles: float = 0.0  # minutes from mending until everybody is served as usual
    stores: tuple[str, ...] | None = None  # that are not served meanwhile; None: any may wait
    brings: tuple[str, ...] = ()  # what else may be told, each once, with its end
    silent: bool = False  # the customers of `stores` must get nothing meanwhile
    joins: bool = False  # it is planted at the same time as the one before it

    def __post_init__(self) -> None:
        _NAMED[self.name] = self

    def __reduce__(self) -> tuple[Callable[[str], Trouble], tuple[str]]:
        """Go from process to process by name: what it does cannot be written down."""
        return trouble_named, (self.name,)


_NAMED: dict[str, Trouble] = {}


def trouble_named(name: str) -> Trouble:
    """Find a trouble of a module that is imported. Raises KeyError for an unknown name."""
    return _NAMED[name]


@dataclass(frozen=True)
class Planted:
    """A trouble with its times."""

    trouble: Trouble
    at: datetime
    until: datetime
