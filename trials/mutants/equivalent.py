"""The mutants that no test can kill, since they do the same; `equivalent.yaml` says why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import yaml

from trials.mutants.mutant import Mutant

FILE = Path(__file__).with_name("equivalent.yaml")
Change = tuple[str, str, str]  # module, line before, line after


def equivalents(file: Path = FILE) -> Mapping[Change, str]:
    """Read each equivalent change with its reason. Raises ValueError for one without."""
    read = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    reasons: dict[Change, str] = {}
    for module, entries in read.items():
        for entry in entries:
            if not entry.get("why"):
                raise ValueError(f"{file.name}: {module}: {entry['line']!r} has no reason")
            for after in entry["becomes"]:
                reasons[module, entry["line"], after] = entry["why"]
    return reasons


def change(mutant: Mutant) -> Change:
    """Give what an entry names a mutant by; line numbers move too often."""
    return mutant.module, mutant.before, mutant.after


def unmatched(
    entries: Iterable[Change], mutants: Iterable[Mutant], modules: Collection[str]
) -> list[str]:
    """List the entries of these modules, of which all mutants are given, that match none."""
    there = {change(mutant) for mutant in mutants}
    gone = [entry for entry in entries if entry[0] in modules and entry not in there]
    return [f"{module}: {before} -> {after}" for module, before, after in gone]
