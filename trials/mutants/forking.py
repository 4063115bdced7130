"""Sessions in forked processes, two at once, each with a limit of CPU time."""

from __future__ import annotations

import gc
import json
import os
import resource
import selectors
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from trials.mutants.session import Told

LOOK_SECONDS = 5.0
# A session that waits for what never comes uses no CPU time; a busy machine leaves it some.
STILL_LOOKS, STILL_CPU = 12, 0.05
MEMORY = 6 << 30  # of addresses: a list that grows without end fails before the machine does
OUT_OF_TIME = "takes 5 times as long"
STANDS_STILL = "stands still"
DIED = "ends the process"


@dataclass
class _Child:
    number: int
    pid: int
    answer: Path
    output: Path
    cpu: float = 0.0
    still: int = 0
    why: str = ""


def forked(
    sessions: Iterable[Callable[[], Told]], *, at_once: int, limit: float
) -> Iterator[tuple[int, Told]]:
    """Run each session in a fork of this process; give its number and what it told, as they end.

    `limit` is in seconds of CPU. A session that was ended tells why instead of a failed test.
    """
    waiting = enumerate(sessions)
    running: dict[int, _Child] = {}
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        while True:
            while len(running) < at_once and (next_one := next(waiting, None)):
                child = _start(*next_one, folder=Path(name), limit=limit)
                running[os.pidfd_open(child.pid)] = child
            if not running:
                return
            for ended in _wait(running):
                child = running.pop(ended)
                os.close(ended)
                yield child.number, _told(child)


def _start(number: int, session: Callable[[], Told], *, folder: Path, limit: float) -> _Child:
    answer, output = folder / f"{number}.json", folder / f"{number}.txt"
    gc.collect()
    gc.freeze()  # what all have is not copied when a child looks for garbage
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        with suppress(PermissionError, ProcessLookupError):  # the child was faster
            os.setpgid(pid, pid)
        return _Child(number, pid, answer, output)
    try:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_CPU, (int(limit) + 1, int(limit) + 3))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        with output.open("wb") as written:
            os.dup2(written.fileno(), 1)
            os.dup2(written.fileno(), 2)
        answer.write_text(json.dumps(asdict(session())), encoding="utf-8")
    except BaseException:  # noqa: BLE001 - the copy of a caller goes no further
        traceback.print_exc()
    finally:
        os._exit(0)


def _wait(running: dict[int, _Child]) -> list[int]:
    """Wait until some have ended; end those that stand still."""
    with selectors.DefaultSelector() as selector:
        for process in running:
            selector.register(process, selectors.EVENT_READ)
        while not (ready := [int(key.fd) for key, _ in selector.select(LOOK_SECONDS)]):
            for child in running.values():
                _look_at(child)
    return ready


def _look_at(child: _Child) -> None:
    with suppress(psutil.Error):
        times = psutil.Process(child.pid).cpu_times()
        cpu = times.user + times.system
        child.still = child.still + 1 if cpu - child.cpu < STILL_CPU else 0
        child.cpu = cpu
    if child.still >= STILL_LOOKS:
        child.why = STANDS_STILL
        os.killpg(child.pid, signal.SIGKILL)


def _told(child: _Child) -> Told:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)  # what it has started ends with it
    _, status, used = os.wait4(child.pid, 0)
    cpu = used.ru_utime + used.ru_stime
    if child.answer.exists() and (text := child.answer.read_text(encoding="utf-8")):
        return Told(**{**json.loads(text), "cpu": cpu})
    by_limit = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU
    why = child.why or (OUT_OF_TIME if by_limit else DIED)
    words = child.output.read_text(encoding="utf-8", errors="replace") if why == DIED else ""
    return Told(failed=f"{why} {words[-2000:]}".strip(), cpu=cpu)
