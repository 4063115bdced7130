"""Playing many cases, in several processes with a sandbox of their own each."""

from __future__ import annotations

import multiprocessing
import queue
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any

from sandbox.memory_dynamodb.app import MemoryAwsApp
from sandbox.server import Sandbox
from trials.campaign.cases import Case, Player
from trials.campaign.fork_server import ForkServer
from trials.campaign.recorder import Recorder


@dataclass(frozen=True)
class Result:
    """What became of one case, as a process can hand it on."""

    case: Case
    counts: dict[str, int]
    words: tuple[str, ...]
    hits: tuple[str, ...]  # what the blows hit
    foreign: tuple[str, ...]  # requests of other cases' runs, which were refused
    points: tuple[str, ...] = ()  # of a case without blows: its first run's requests, in order

    @property
    def good(self) -> bool:
        """Tell whether nothing is wrong."""
        return not any(self.counts.values())


class Pool:
    """Processes that play cases; use it as a context manager."""

    def __init__(self, processes: int) -> None:
        context = multiprocessing.get_context("forkserver")  # a fork would inherit threads
        context.set_forkserver_preload(["trials.campaign.preload"])
        self._todo: Any = context.Queue()
        self._done: Any = context.Queue()
        self._workers = [
            context.Process(target=_work, args=(self._todo, self._done)) for _ in range(processes)
        ]

    def __enter__(self) -> Pool:
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._workers:
            worker.terminate()
        for worker in self._workers:
            worker.join()
        for line in (self._todo, self._done):
            line.close()
            line.join_thread()

    def play_all(self, cases: Iterable[Case]) -> Iterator[Result]:
        """Play every case, and give each result as it comes."""
        return self.play_until_wrong([[case] for case in cases])

    def play_until_wrong(self, series: Sequence[Sequence[Case]]) -> Iterator[Result]:
        """Play each series up to its first wrong case, and give that result, or the last one.

        Raises RuntimeError when a process of the campaign dies: its own words stand above.
        """
        for cases in series:
            self._todo.put(list(cases))
        for _ in series:
            yield self._next()

    def record(self, moments: Iterable[datetime]) -> dict[datetime, list[str]]:
        """Record every point of a run at these moments: the requests that reached a service.

        Raises RuntimeError when a run without any fault is wrong.
        """
        points = {}
        for result in self.play_all([Case(now, ()) for now in moments]):
            if not result.good:
                raise RuntimeError(f"a run without any fault is wrong: {result.words}")
            points[result.case.now] = list(result.points)
        return dict(sorted(points.items()))

    def _next(self) -> Result:
        while True:
            try:
                result: Result = self._done.get(timeout=5.0)
            except queue.Empty:
                if any(worker.exitcode is not None for worker in self._workers):
                    raise RuntimeError("a process of the campaign has died") from None
                continue
            return result


def _work(todo: Any, done: Any) -> None:
    server = ForkServer()  # before the sandbox starts its threads
    recorder = Recorder()
    with Sandbox("empty", aws=partial(MemoryAwsApp, recorder.make_tables)) as sandbox:
        player = Player(sandbox, server, recorder)
        while True:
            done.put(_first_wrong(player, todo.get()))


def _first_wrong(player: Player, cases: Sequence[Case]) -> Result:
    for case in cases:
        result = play(player, case)
        if not result.good:
            break
    return result


def play(player: Player, case: Case) -> Result:
    """Play one case."""
    played, judgement = player.play(case)
    seen = [] if case.blows else player.sandbox.world.requests[: played.requests[0]]
    return Result(
        case,
        judgement.counts(),
        tuple(judgement.words()),
        tuple(played.hits),
        tuple(played.foreign),
        tuple(f"{s.service} {s.method} {s.path} {s.target.partition(' ')[2]}" for s in seen),
    )
