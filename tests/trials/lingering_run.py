"""A case leaves a run behind that begins in the middle of the next case: what becomes of it.

Run it as `python -m tests.trials.lingering_run`; `--let-in` has a sandbox that refuses nobody.
"""

from __future__ import annotations

import json
import sys

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
    """Play both cases, and print the second one's result."""
    import_everything()
    server = ForkServer()
    with Sandbox("empty") as sandbox:
        if "--let-in" in sys.argv:
            sandbox.world.callers.expect = lambda *callers: None  # type: ignore[method-assign]
        player = LeavingPlayer(sandbox, server)
        play(player, Case(EVENING, (Blow(0, 10, "overlap"),)))
        result = play(player, Case(AFTERNOON, (Blow(0, 10, "overlap"),)))
    server.stop()
    sys.stdout.write(
        json.dumps({"good": result.good, "words": result.words, "foreign": result.foreign})
    )


if __name__ == "__main__":
    main()
