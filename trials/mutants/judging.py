"""The score, and whether it is enough."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from trials.mutants.equivalent import Change, change, unmatched
from trials.mutants.mutant import Fate, Mutant

Tried = tuple[Mutant, Fate]


@dataclass
class Count:
    """How many mutants of a module there were, and what became of them."""

    mutants: int = 0
    killed: int = 0
    equivalent: int = 0
    cpu_seconds: float = 0.0


@dataclass
class Verdict:
    """The whole score; `wrong_entries` are equivalents that were killed or are no mutants."""

    mutants: int
    killed: int
    equivalent: int
    score: float
    cpu_seconds: float
    survivors: list[str] = field(default_factory=list)
    wrong_entries: list[str] = field(default_factory=list)
    modules: dict[str, Count] = field(default_factory=dict)

    def enough(self, least: float) -> bool:
        """Tell whether something was tried and enough of it was killed."""
        judged = self.mutants - self.equivalent
        return judged > 0 and self.score >= least and not self.wrong_entries


def judge(
    tried: Sequence[Tried],
    entries: Mapping[Change, str],
    *,
    whole: Collection[str],
    cpu: Mapping[str, float],
) -> Verdict:
    """Judge what became of these mutants; of the modules in `whole` they are all that there are."""
    modules = {module: Count(cpu_seconds=round(spent, 1)) for module, spent in cpu.items()}
    wrong = unmatched(entries, [mutant for mutant, _ in tried], whole)
    survivors = []
    for mutant, fate in tried:
        count = modules.setdefault(mutant.module, Count())
        listed = change(mutant) in entries
        count.mutants += 1
        count.killed += fate.killed and not listed
        count.equivalent += listed
        if listed and fate.killed:
            wrong.append(f"{mutant}: killed by {fate.by}")
        elif not listed and not fate.killed:
            survivors.append(f"{mutant}: {fate.by}")
    killed = sum(count.killed for count in modules.values())
    equivalent = sum(count.equivalent for count in modules.values())
    judged = len(tried) - equivalent
    return Verdict(
        mutants=len(tried),
        killed=killed,
        equivalent=equivalent,
        score=round(killed / judged, 4) if judged else 0.0,
        cpu_seconds=round(sum(cpu.values()), 1),
        survivors=survivors,
        wrong_entries=wrong,
        modules=modules,
    )


def as_json(verdict: Verdict) -> Mapping[str, object]:
    """Give the JSON object that a run ends with."""
    return asdict(verdict)
