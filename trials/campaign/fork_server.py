"""Real processes at little cost: a process that has imported everything forks one for each run.

Importing Great Expectations takes six seconds and a run half of one, so each run is a fork of a
process that has imported all of it. A fork is a process of its own: SIGKILL ends it alone.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any

DIED = "died"  # the state of a run that was killed
UNPLANTED = "unplanted"
RUN_SECONDS = 120.0  # no run of the campaign takes longer
LARGEST_ORDER = 1 << 18


@dataclass(frozen=True)
class Ended:
    """How one run's process ended: its report, or what it raised, or that it was killed."""

    state: str  # reported | raised | died
    report: Mapping[str, Any]
    words: str = ""


class ForkServer:
    """Starts runs, several at a time if asked to; make it before the first thread is started.

    `package` is the trial's: its module `child` has what a run's process does (`warm_up` and
    `run`), its module `bugs` a `plant`.
    """

    def __init__(self, package: str = "trials.campaign") -> None:
        self._line, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        self.pid = os.fork()
        if not self.pid:
            self._line.close()
            try:
                _serve(its, package)
            except BaseException:  # noqa: BLE001 - the copy of a caller goes no further
                traceback.print_exc()
            os._exit(1)
        its.close()

    def start(self, order: Mapping[str, Any]) -> RunProcess:
        """Make the process of a run, which waits for `go`."""
        go_read, go_write = os.pipe()
        answer_read, answer_write = os.pipe()
        pid = self._ask({"order": order}, [go_read, answer_write])
        for end in (go_read, answer_write):
            os.close(end)
        return RunProcess(self, pid, go=go_write, answer=answer_read)

    def reap(self, pid: int) -> None:
        """Wait for a run's process, which has ended."""
        self._ask({"reap": pid}, [])

    def stop(self) -> None:
        """End the server."""
        self._line.close()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def _ask(self, words: Mapping[str, Any], handed_over: list[int]) -> int:
        with self._lock:
            socket.send_fds(self._line, [json.dumps(words).encode()], handed_over)
            return int(self._line.recv(64))


class RunProcess:
    """One run's process, and whatever it has forked."""

    def __init__(self, server: ForkServer, pid: int, *, go: int, answer: int) -> None:
        self.pid = pid
        self._server, self._go, self._answer = server, go, answer
        self._lock = threading.Lock()
        self._reaped = False

    def go(self) -> None:
        """Let the run begin."""
        os.write(self._go, b".")
        os.close(self._go)

    def kill(self) -> None:
        """End the run as a machine that fails does; one that has ended stays as it is."""
        with self._lock:
            if not self._reaped:  # then its number may be another's
                os.kill(self.pid, signal.SIGKILL)

    def freeze(self) -> None:
        """Let the run stand still as a machine that swaps does, until it is killed."""
        with self._lock:
            if not self._reaped:
                os.kill(self.pid, signal.SIGSTOP)

    def wait(self, seconds: float = RUN_SECONDS) -> Ended:
        """Wait until the run and all that it has forked have ended.

        Raises TimeoutError for a run that does not end (it is killed then), RuntimeError for a
        planted bug whose place is not there any more.
        """
        text = self._read_until_all_ended(seconds)
        with self._lock:
            self._server.reap(self.pid)
            self._reaped = True
        if not text:
            return Ended(DIED, {})
        read = json.loads(text)
        if read["state"] == UNPLANTED:
            raise RuntimeError(f"the bug cannot be planted any more: {read['words']}")
        return Ended(read["state"], read["report"], read["words"])

    def _read_until_all_ended(self, seconds: float) -> bytes:
        """Read the answer to its end, which comes when no process holds the pipe any more."""
        text, late = b"", time.monotonic() + seconds
        process = os.pidfd_open(self.pid)
        selector = selectors.DefaultSelector()
        try:
            for end in (process, self._answer):
                selector.register(end, selectors.EVENT_READ)
            while selector.get_map():
                ready = {key.fd for key, _ in selector.select(late - time.monotonic())}
                if not ready:
                    os.killpg(self.pid, signal.SIGKILL)
                    raise TimeoutError(f"process {self.pid} still runs after {seconds:g} s")
                if process in ready:
                    selector.unregister(process)
                    os.killpg(self.pid, signal.SIGKILL)  # what it has forked is no run of its own
                if self._answer in ready:
                    read = os.read(self._answer, 1 << 16)
                    text += read
                    if not read:
                        selector.unregister(self._answer)
        finally:
            selector.close()
            os.close(process)
            os.close(self._answer)
        return text


def _serve(line: socket.socket, package: str) -> None:
    child = import_module(f"{package}.child")
    warm = False
    while True:
        words, handed_over, *_ = socket.recv_fds(line, LARGEST_ORDER, 2)
        if not words:  # whoever asked is gone
            return
        asked = json.loads(words)
        if "reap" in asked:
            pid, _ = os.waitpid(asked["reap"], 0)
        else:
            if not warm:
                child.warm_up(asked["order"])
                warm = True
            pid = _fork(line, package, asked["order"], *handed_over)
        line.send(str(pid).encode())


def _fork(line: socket.socket, package: str, order: Mapping[str, Any], go: int, answer: int) -> int:
    pid = os.fork()
    if pid:
        os.close(go)
        os.close(answer)
        with suppress(PermissionError):  # the fork was faster
            os.setpgid(pid, pid)
        return pid
    line.close()
    os.setpgid(0, 0)
    if os.read(go, 1):
        _work(package, order, answer)
    os._exit(0)


def _work(package: str, order: Mapping[str, Any], answer: int) -> None:
    state = UNPLANTED
    try:
        import_module(f"{package}.bugs").plant(order["bug"])
        state = "raised"
        said = {
            "state": "reported",
            "report": import_module(f"{package}.child").run(order),
            "words": "",
        }
    except BaseException as error:  # noqa: BLE001 - the campaign judges it
        said = {"state": state, "report": {}, "words": f"{type(error).__name__}: {error}"}
    with os.fdopen(answer, "w", encoding="utf-8") as pipe:
        json.dump(said, pipe, default=str)
    sys.stdout.flush()
