"""Inputs that share a world: played together, and one by one where something is wrong."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.util import Finalize
from typing import Any

from sandbox.memory_dynamodb.app import MemoryAwsApp
from sandbox.server import Sandbox
from trials.campaign.fork_server import ForkServer
from trials.hostile.families import FAMILIES
from trials.hostile.inputs import Family, Verdict
from trials.hostile.player import Player

SHOWN = 160  # signs of an input


@dataclass(frozen=True)
class Batch:
    """Some inputs of a family."""

    family: str
    seeds: tuple[int, ...]
    bug: str = ""


@dataclass(frozen=True)
class Result:
    """What is wrong with a batch, by seed, as a process can hand it on."""

    batch: Batch
    wrong: Mapping[int, list[str]]
    seconds: float
    shown: Mapping[int, str] = field(default_factory=dict)  # the wrong inputs


def make_worker() -> None:
    """Make this process's world, once."""
    global _player
    server = ForkServer("trials.hostile")  # before the sandbox's threads
    sandbox = Sandbox("empty", aws=MemoryAwsApp).start()
    _player = Player(sandbox, server)
    for end in (server.stop, sandbox.stop, _player.close):
        Finalize(None, end, exitpriority=1)


def play_here(batch: Batch) -> Result:
    """Play a batch in this process."""
    family, started = FAMILIES[batch.family], time.monotonic()
    _player.bug = batch.bug
    wrong = split(family, _player, batch.seeds)
    shown = {seed: repr(family.value(seed))[:SHOWN] for seed in wrong}
    return Result(batch, wrong, time.monotonic() - started, shown)


_player: Player


def split(family: Family, player: Player, seeds: tuple[int, ...]) -> dict[int, list[str]]:
    """Play seeds together; what is wrong with all of them is looked for in each half."""
    verdict = _play(family, player, seeds)
    wrong = {seed: lines for seed, lines in verdict.by_seed.items() if lines}
    if not verdict.shared:
        return wrong
    if len(seeds) == 1:
        return {seeds[0]: [*wrong.get(seeds[0], []), *verdict.shared]}
    middle = len(seeds) // 2
    parts = [split(family, player, half) for half in (seeds[:middle], seeds[middle:])]
    # Where one input harms the others, only the halves tell whose fault it is.
    found = {**parts[0], **parts[1]}
    return found or {seeds[0]: [f"together with seeds {seeds}", *verdict.shared]}


def _play(family: Family, player: Player, seeds: tuple[int, ...]) -> Verdict:
    given: dict[int, Any] = {seed: family.value(seed) for seed in seeds}
    try:
        return family.play(player, given)
    except Exception as error:  # noqa: BLE001 - the trial goes on with the other inputs
        last = traceback.extract_tb(error.__traceback__)[-1]
        return Verdict({}, [f"no judgement: {error!r} at {last.filename}:{last.lineno}"])
