"""Plays inputs: a world, real processes in it, and everything that left them."""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.credentials import STORE_IDS
from sandbox.faults import Fault
from sandbox.request_log import Seen
from sandbox.server import Sandbox
from trials.campaign.fork_server import DIED, Ended, ForkServer, RunProcess
from trials.hostile.odd_http import Piece, Spec, pieces
from trials.hostile.shop import Customer, good_customers, open_shop, write_rules

LONGEST = 45.0  # seconds of any process; most have a shorter deadline
EXCHANGE = 3.0  # seconds of one exchange with a service
TWENTY_MINUTES = 1200.0
TUNED = {
    "NAVERPLACE_NAVER__RETRY_WAIT": "0",
    "NAVERPLACE_NAVER__ATTEMPTS": "2",
    "NAVERPLACE_NAVER__PARALLEL": "8",
    "NAVERPLACE_SENS__RETRY_WAIT": "0",
    "NAVERPLACE_SENS__ATTEMPTS": "2",
    "NAVERPLACE_AWS__ATTEMPTS": "2",
    "NAVERPLACE_TELEGRAM__RETRY_WAIT": "0",
    "NAVERPLACE_TELEGRAM__MAX_WAIT": "0.5",
    "NAVERPLACE_SLACK__RETRY_WAIT": "0",
    "NAVERPLACE_SLACK__MAX_WAIT": "0.5",
    "NAVERPLACE_LEDGER__SETTLE_SECONDS": "0.2",
    "NAVERPLACE_LEDGER__LEASE_SECONDS": "2",
    # A world of odd bookings is no shop of every day: they are judged one by one.
    "NAVERPLACE_QUALITY__MAX_BAD_SHARE": "1",
    "NAVERPLACE_BREAKER__MIN_NEW": "100000",
    "NAVERPLACE_BREAKER__MIN_SAME_PHONES": "100000",
    "NAVERPLACE_BREAKER__JUMP_FACTOR": "100000",
    "NAVERPLACE_REPORT_DIR": "reports",
    "NAVERPLACE_STORES_FILE": "stores.yaml",
}
TIMEOUTS = (
    *("NAVER__READ_TIMEOUT", "SENS__READ_TIMEOUT", "AWS__READ_TIMEOUT"),
    *("TELEGRAM__TIMEOUT", "SLACK__TIMEOUT"),
)


def patience() -> float:
    """Tell how many times longer than an idle machine this one takes just now."""
    return min(20.0, max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)))


@dataclass(frozen=True)
class Ran:
    """One process: how it ended, and everything that it has left."""

    state: str  # reported | raised | died | timed out
    exit: int | None
    stdout: str = field(repr=False)
    stderr: str = field(repr=False)
    words: str  # what it raised
    seconds: float
    memory_mb: float
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    answer: str = field(default="", repr=False)

    @property
    def output(self) -> str:
        """Everything that somebody at a terminal reads."""
        return self.stdout + self.stderr

    @property
    def report(self) -> dict[str, Any]:
        """Give the run's report; empty when there is none."""
        for text in (self.answer, self.stdout):
            with suppress(ValueError):
                read = json.loads(text)
                read = json.loads(read["body"]) if "body" in read else read
                if isinstance(read, dict):
                    return read
        return {}


class Trap:
    """A server that nobody must talk to; it keeps whatever comes."""

    def __init__(self) -> None:
        self.caught: list[bytes] = []
        self._line = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._line.getsockname()[1]}"
        threading.Thread(target=self._listen, name="trap", daemon=True).start()

    def _listen(self) -> None:
        while True:
            caller, _ = self._line.accept()
            with caller, suppress(OSError):
                caller.settimeout(0.5)
                self.caught.append(caller.recv(65536) or b"(connected)")
                caller.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}")


class Player:
    """Plays against one sandbox, with one process for each command."""

    def __init__(self, sandbox: Sandbox, server: ForkServer, *, bug: str = "") -> None:
        self.sandbox, self.server, self.bug = sandbox, server, bug
        self.trap = Trap()
        self.good: list[Customer] = []
        self.stores: tuple[str, ...] = ()
        self._folders = Path(tempfile.mkdtemp(prefix="naverplace-hostile-"))
        self._folders.chmod(0o755)
        self._count = 0

    def close(self) -> None:
        """Remove what was written."""
        shutil.rmtree(self._folders, ignore_errors=True)

    @contextmanager
    def world(self) -> Any:
        """Give a folder of a world of its own, with the rules in it."""
        self._count += 1
        self.trap.caught.clear()
        folder = self._folders / f"world-{self._count}"
        write_rules(folder)
        try:
            yield folder
        finally:
            with self.sandbox.world.lock:
                self.sandbox.world.faults.clear()
            shutil.rmtree(folder, ignore_errors=True)

    def open(
        self, odd: Mapping[str, Sequence[Any]] | None = None, *, stores: Sequence[str] = STORE_IDS
    ) -> None:
        """Begin anew, with a good customer in each of these stores and odd bookings besides."""
        self.stores = tuple(stores)
        self.good = good_customers(stores)
        bookings: dict[str, list[Any]] = {store: [] for store in STORE_IDS}
        for customer in self.good:
            bookings[customer.store].append(customer.raw())
        for store, raws in (odd or {}).items():
            bookings[store] += raws
        open_shop(self.sandbox, bookings)

    def fault(self, service: str, match: str, kind: str, value: Any = None, **more: Any) -> Fault:
        """Let something go wrong, every time unless `times` says how often."""
        fault = Fault(service, match, kind, value=value, **{"times": None, **more})
        with self.sandbox.world.lock:
            self.sandbox.world.faults.append(fault)
        return fault

    def answer(self, service: str, spec: Spec) -> Callable[[], Iterator[Piece]]:
        """Give what writes an odd answer of a service, for a fault of kind `raw`."""

        def last() -> Seen:
            with self.sandbox.world.lock:
                asked = [s for s in self.sandbox.world.requests if s.service == service]
            return next(seen for seen in reversed(asked) if seen.status == "raw")

        return pieces(spec, self.trap.url, last)

    def no_faults(self) -> None:
        """Let all services work again, some minutes later."""
        with self.sandbox.world.lock:
            self.sandbox.world.faults.clear()
        self.sandbox.world.advance(TWENTY_MINUTES)

    def run(self, folder: Path, *, deadline: float = LONGEST, **more: Any) -> Ran:
        """Do one run of the opened stores, through Lambda's door."""
        event = {"stores": list(self.stores)} if len(self.stores) < len(STORE_IDS) else {}
        return self.process(folder, deadline=deadline, door="lambda", event=event, **more)

    def command(self, folder: Path, *words: str, **more: Any) -> Ran:
        """Type a command."""
        return self.process(folder, door="cli", words=list(words), **more)

    def process(
        self,
        folder: Path,
        *,
        deadline: float = LONGEST,
        env: Mapping[str, str | None] | None = None,
        by_modes: bool = False,
        during: Callable[[RunProcess], None] | None = None,
        **order: Any,
    ) -> Ran:
        """Start a process as ordered, wait for its end, and collect what it has left."""
        self._count += 1
        for name in ("stdout", "stderr"):
            (folder / name).write_bytes(b"")
            (folder / name).chmod(0o666)
        longer = patience()
        timeouts = {f"NAVERPLACE_{name}": f"{longer:.1f}" for name in TIMEOUTS}
        everything = {**self.sandbox.environment(), **TUNED, **timeouts, **(env or {})}
        process = self.server.start(
            {
                "run_id": f"run-{self._count}",
                "folder": str(folder),
                "env": {name: value for name, value in everything.items() if value is not None},
                "by_modes": by_modes,
                "deadline": EXCHANGE * longer,
                "bug": self.bug,
                **order,
            }
        )
        if during:
            during(process)
        began = time.monotonic()
        process.go()
        try:
            ended = process.wait(deadline * longer)
        except TimeoutError as error:
            ended = Ended("timed out", {}, str(error))
        return self._collect(folder, ended, time.monotonic() - began)

    def _collect(self, folder: Path, ended: Ended, seconds: float) -> Ran:
        said = ended.report
        files: dict[str, str] = {}
        for path in sorted(folder.rglob("*")):
            place = path.relative_to(folder)
            if path.is_file() and place.parts[0] not in ("rules", "stdout", "stderr", ".env"):
                with suppress(OSError):
                    files[str(place)] = path.read_bytes()[:1_000_000].decode("utf-8", "replace")
        return Ran(
            state=ended.state,
            exit=said.get("exit") if ended.state != DIED else None,
            stdout=(folder / "stdout").read_bytes().decode("utf-8", "replace"),
            stderr=(folder / "stderr").read_bytes().decode("utf-8", "replace"),
            words=ended.words,
            seconds=seconds,
            memory_mb=float(said.get("memory_mb", 0.0)),
            files=files,
            answer=str(said.get("answer", "")),
        )
