"""A case leaves a run behind that begins in the middle of the next case: what becomes of it.

`python -m tests.trials.lingering_run` plays it twice: then with a sandbox that refuses nobody.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from sandbox.memory_dynamodb.app import MemoryAwsApp
from sandbox.server import Sandbox
from trials.campaign.cases import Blow, Case, Played, Player
from trials.campaign.child import import_everything
from trials.campaign.fork_server import ForkServer, RunProcess
from trials.campaign.shards import play
from trials.campaign.shop import AFTERNOON, EVENING


class LeavingPlayer(Player):
    """Starts the first case's overlapping run only within the second case."""

    lingering: RunProcess | None = None

    def _overlap(self, blow: Blow, case: Case, played: Played) -> None:
        if self.lingering is None:
            self.lingering = self._start(case, played, ())
            return
        self.lingering.go()
        self.lingering.wait()


def main() -> None:
    """Play both cases, and print the second one's result, once refused and once let in."""
    import_everything()
    server = ForkServer()
    with Sandbox("empty", aws=MemoryAwsApp) as sandbox:
        refused = _second(sandbox, server)
    with Sandbox("empty", aws=MemoryAwsApp) as sandbox:
        sandbox.world.callers.expect = lambda *callers: None  # type: ignore[method-assign]
        let_in = _second(sandbox, server)
    server.stop()
    sys.stdout.write(json.dumps({"refused": refused, "let in": let_in}))


def _second(sandbox: Sandbox, server: ForkServer) -> dict[str, Any]:
    player = LeavingPlayer(sandbox, server)
    play(player, Case(EVENING, (Blow(0, 10, "overlap"),)))
    result = play(player, Case(AFTERNOON, (Blow(0, 10, "overlap"),)))
    return {"good": result.good, "words": result.words, "foreign": result.foreign}


if __name__ == "__main__":
    main()
