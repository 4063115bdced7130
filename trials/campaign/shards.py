"""Playing many cases, in several processes with a sandbox of their own each."""

from __future__ import annotations

import multiprocessing
import queue
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.server import Sandbox
from trials.campaign.cases import Case, Player
from trials.campaign.zygote import Zygote


@dataclass(frozen=True)
class Result:
    """What became of one case, as a process can hand it on."""

    case: Case
    counts: dict[str, int]
    words: tuple[str, ...]
    hits: tuple[str, ...]  # what the blows hit
    requests: tuple[int, ...]  # of each run

    @property
    def good(self) -> bool:
        """Tell whether nothing is wrong."""
        return not any(self.counts.values())


def play_all(cases: Sequence[Case], *, processes: int) -> Iterator[Result]:
    """Play every case, and give each result as it comes."""
    return play_until_wrong([[case] for case in cases], processes=processes)


def play_until_wrong(series: Sequence[Sequence[Case]], *, processes: int) -> Iterator[Result]:
    """Play each series up to its first wrong case, and give that result, or the last one."""
    context = multiprocessing.get_context("spawn")  # a fork would inherit threads and sockets
    todo: Any = context.Queue()
    done: Any = context.Queue()
    for cases in series:
        todo.put(list(cases))
    workers = [context.Process(target=_work, args=(todo, done)) for _ in range(processes)]
    for worker in workers:
        todo.put(None)
        worker.start()
    try:
        for _ in series:
            yield _next(done, workers)
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()


def _next(done: Any, workers: Sequence[Any]) -> Result:
    while True:
        try:
            result: Result = done.get(timeout=5.0)
        except queue.Empty:
            if not any(worker.is_alive() for worker in workers):
                raise RuntimeError("every process of the campaign has died") from None
            continue
        return result


def _work(todo: Any, done: Any) -> None:
    zygotes = Zygote(), Zygote()  # before the sandbox starts its threads
    with Sandbox("empty") as sandbox:
        player = Player(sandbox, *zygotes)
        while cases := todo.get():
            done.put(_first_wrong(player, cases))
    for zygote in zygotes:
        zygote.stop()


def _first_wrong(player: Player, cases: Sequence[Case]) -> Result:
    for case in cases:
        result = play(player, case)
        if not result.good:
            break
    return result


def play(player: Player, case: Case) -> Result:
    """Play one case."""
    played, judgement = player.play(case)
    return Result(
        case,
        judgement.counts(),
        tuple(judgement.words()),
        tuple(played.hits),
        tuple(played.requests),
    )


def record(now: Any) -> list[str]:
    """Record every point of a run at this moment: the requests that reached a service, in order."""
    zygote = Zygote()
    with Sandbox("empty") as sandbox:
        player = Player(sandbox, zygote, zygote)
        played, judgement = player.play(Case(now, ()))
        if not judgement.good:
            raise RuntimeError(f"a run without any fault is wrong: {judgement.words()}")
        seen = sandbox.world.requests[: played.requests[0]]
        points = [f"{s.service} {s.method} {s.path} {s.target.partition(' ')[2]}" for s in seen]
    zygote.stop()
    return points
