"""Real processes at little cost: a process that has imported everything forks one for each run.

Importing Great Expectations takes six seconds and a run half of one, so each run is a fork of a
process that has imported all of it. A fork is a process of its own: SIGKILL ends it alone.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DIED = "died"  # the state of a run that was killed


@dataclass(frozen=True)
class Ended:
    """How one run's process ended: its report, or what it raised, or that it was killed."""

    state: str  # reported | raised | died
    report: Mapping[str, Any]
    words: str = ""


class Zygote:
    """Starts runs, one at a time; make it before the first thread is started."""

    def __init__(self) -> None:
        ours, its = socket.socketpair()
        self.pid = os.fork()
        if not self.pid:
            ours.close()
            _serve(its)
            os._exit(0)
        its.close()
        self._line = ours.makefile("rw", encoding="utf-8")

    def start(self, order: Mapping[str, Any]) -> int:
        """Make the process of a run, which waits for `go`; return its process id."""
        self._write(order)
        return int(self._read()["pid"])

    def go(self) -> None:
        """Let the run begin."""
        self._write({"go": True})

    def wait(self) -> Ended:
        """Wait for the run's end."""
        read = self._read()
        return Ended(read["state"], read["report"], read["words"])

    def stop(self) -> None:
        """End the zygote."""
        self._line.close()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def _write(self, values: Mapping[str, Any]) -> None:
        self._line.write(json.dumps(values) + "\n")
        self._line.flush()

    def _read(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self._line.readline())
        return read


def _serve(its: socket.socket) -> None:
    from trials.campaign import child

    child.import_everything()
    line = its.makefile("rw", encoding="utf-8")
    while order := line.readline():
        go_read, go_write = os.pipe()
        out_read, out_write = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(go_write)
            os.close(out_read)
            os.read(go_read, 1)
            _work(json.loads(order), out_write)
        os.close(out_write)
        os.close(go_read)
        line.write(json.dumps({"pid": pid}) + "\n")
        line.flush()
        line.readline()  # go
        os.write(go_write, b".")
        os.close(go_write)
        with os.fdopen(out_read, encoding="utf-8") as answer:
            text = answer.read()
        os.waitpid(pid, 0)
        line.write((text or json.dumps({"state": DIED, "report": {}, "words": ""})) + "\n")
        line.flush()


def _work(order: Mapping[str, Any], out: int) -> None:
    from trials.campaign import child

    try:
        answer = {"state": "reported", "report": child.run(order), "words": ""}
    except BaseException as error:  # noqa: BLE001 - the campaign judges it
        answer = {"state": "raised", "report": {}, "words": f"{type(error).__name__}: {error}"}
    with os.fdopen(out, "w", encoding="utf-8") as pipe:
        json.dump(answer, pipe, default=str)
    sys.stdout.flush()
    os._exit(0)
