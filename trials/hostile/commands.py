"""Services that quote what they were sent, to every command that asks them, and to a killed run."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.credentials import STORE_IDS
from trials.campaign.fork_server import RunProcess
from trials.hostile.inputs import Family, Verdict
from trials.hostile.oracle import judge_run
from trials.hostile.player import Player
from trials.hostile.quoting import quoting

TWO = STORE_IDS[:2]
KILLED = ("run", "--json")  # at its last message, after it has met the quoting service
COMMANDS: Mapping[tuple[str, ...], Sequence[str]] = {  # and what they ask
    ("explain", "{booking}"): ("partner", "aws"),
    ("explain", "{phone}", "--json"): ("partner", "aws"),
    ("watchdog", "--tell"): ("aws", "telegram", "slack"),
    ("reconcile",): ("sens", "aws"),
    ("reconcile", "--json"): ("sens", "telegram"),
    ("drain", "--wait", "0.5"): ("aws",),
    ("doctor",): ("partner", "sens", "aws", "telegram", "slack"),
    ("forecast",): ("partner", "aws"),
    KILLED: ("partner", "sens", "telegram"),
}
ALL = ("quote", 400, "all", "plain", "words")


class Quoted(Family):
    """What a command shows, tells and leaves holds no secret, phone or name of what is quoted."""

    name, whole, short = "quoted to commands", 44, 1
    known: Sequence[Any] = tuple(
        (command, service, ALL) for command, asked in COMMANDS.items() for service in asked
    )

    def made(self, rng: random.Random) -> Any:
        command = rng.choice(list(COMMANDS))
        return command, rng.choice(COMMANDS[command]), quoting(rng)

    def play(self, player: Player, given: Mapping[int, Any]) -> Verdict:
        """Let a run serve everybody first, so that there is something to ask about."""
        ((seed, (words, service, spec)),) = given.items()
        with player.world() as folder:
            player.open(stores=TWO)
            first = [] if words is KILLED else [player.run(folder)]
            player.no_faults()
            times = 1 if words is KILLED else None
            player.fault(service, "", "raw", player.answer(service, spec), times=times)

            def kill_late(process: RunProcess) -> None:
                if words is KILLED:
                    player.fault("telegram", "", "hook_then", process.kill, times=1)
                    player.fault("sens", "POST", "hook_then", process.kill, after=2, times=1)

            who = {"booking": player.good[0].booking_num, "phone": player.good[0].phone}
            typed = [word.format(**who) for word in words]
            ran = player.command(folder, *typed, during=kill_late, deadline=30.0)
            player.no_faults()
            lines = judge_run(player, *first, ran, may_die=words is KILLED)
            lines += [f"exit {ran.exit}"] if ran.exit not in (0, 1, 2, None) else []
            return Verdict({seed: lines})


FAMILIES: tuple[Family, ...] = (Quoted(),)
