"""What comes at the doors themselves: Lambda's events, and signals in the middle of a run."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.credentials import STORE_IDS
from trials.campaign.fork_server import RunProcess
from trials.hostile.inputs import Family, Verdict
from trials.hostile.oracle import judge_good, judge_run, unserved
from trials.hostile.player import Player

TWO = STORE_IDS[:2]
SIGNALS = ("SIGTERM", "SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGPIPE", "SIGALRM", "SIGQUIT")
POINTS = (
    ("partner", "count"),
    ("partner", "/api"),
    ("sens", "POST"),
    ("aws", "PutItem"),
    ("aws", "UpdateItem"),
    ("telegram", ""),
)


class Events(Family):
    """Events that are none of EventBridge's: a run that says so, or a right answer of 500."""

    name, whole, short = "lambda events", 40, 1
    known: Sequence[Any] = (
        None,
        [],
        "run",
        0,
        {"stores": "1051707"},
        {"stores": None},
        {"stores": [["1051707"]]},
        {"stores": {"1051707": 1}},
        {"stores": 1051707},
        {"dry_run": "false"},
        {"dry_run": None},
        {"dry_run": []},
        {"stores": ["1051707"] * 50},
        {"Records": [{"body": "x"}]},
    )

    def made(self, rng: random.Random) -> Any:
        junk: tuple[Any, ...] = (
            None,
            True,
            0,
            -1,
            "",
            "1051707",
            "가",
            [],
            {},
            [None],
            ["1051707", 951291],
            "a" * 9999,
        )
        keys = ("stores", "dry_run", "Stores", "source", "body", "queryStringParameters")
        return {rng.choice(keys): rng.choice(junk) for _ in range(rng.randrange(1, 4))}

    def play(self, player: Player, given: Mapping[int, Any]) -> Verdict:
        ((seed, event),) = given.items()
        with player.world() as folder:
            player.open()
            ran = player.process(folder, door="lambda", event=event, deadline=30.0)
            lines = judge_run(player, ran)
            sent = bool(player.sandbox.messages())
            refused = "error" in ran.report
            if (
                ran.exit == 0
                and not sent
                and not (isinstance(event, dict) and event.get("dry_run") is True)
            ):
                lines.append("it answered 200, and nothing was sent")
            if refused and sent:
                lines.append("it was refused, and something was sent")
            for word in ("TypeError", "AttributeError", "KeyError", "ValueError"):
                if word in ran.answer:
                    lines.append(f"nobody foresaw it: {ran.report.get('error')}")
            return Verdict({seed: lines})


class Signals(Family):
    """A signal at some request: the next runs send what is left, and nothing twice."""

    name, whole, short = "signals", 36, 1
    known: Sequence[Any] = (("SIGTERM", "sens", "POST", 0), ("SIGTERM", "partner", "count", 1))

    def made(self, rng: random.Random) -> Any:
        return (rng.choice(SIGNALS), *rng.choice(POINTS), rng.randrange(3))

    def play(self, player: Player, given: Mapping[int, Any]) -> Verdict:
        ((seed, (name, service, match, after)),) = given.items()
        number = getattr(signal, name)
        with player.world() as folder:
            player.open(stores=TWO)

            def arm(process: RunProcess) -> None:
                def strike() -> None:
                    os.kill(process.pid, number)

                player.fault(service, match, "hook_then", strike, after=after, times=1)

            first = player.command(folder, "run", "--json", *_stores(), during=arm, deadline=20.0)
            later = []
            for _ in range(2):
                player.no_faults()
                later.append(player.run(folder))
            lines = judge_run(player, first, *later, may_die=True)
            lines += unserved(player, player.good, later[-1].report) or judge_good(player)
            return Verdict({seed: lines})


def _stores() -> list[str]:
    return [word for store in TWO for word in ("--store", store)]


FAMILIES: tuple[Family, ...] = (Events(), Signals())
