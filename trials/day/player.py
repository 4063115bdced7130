"""Plays one day: customers, schedules, troubles and outside watchers on the sandbox's clock."""

from __future__ import annotations

import heapq
import itertools
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from sandbox.credentials import STORE_IDS
from sandbox.dead_mans_switch import PATH as PING
from sandbox.faults import Fault
from sandbox.server import Sandbox
from trials.campaign.fork_server import DIED, Ended, ForkServer, RunProcess
from trials.day.prefect_server import HEARD, LATE, PrefectServer
from trials.day.schedule import ROOT, Deployment, deployments
from trials.day.shop import BEGIN, Shop, lives_of
from trials.year.oracle import SeenRun
from trials.year.owed import Slot

LONGEST = 40.0  # real seconds; a run that takes longer is ended as Prefect does after 18 minutes
TIME_OUT = timedelta(minutes=18)
SWITCH_SIGNS = ("🔴", "🟢")  # of the dead-man's switch
TUNED = {
    "NAVERPLACE_NAVER__RETRY_WAIT": "0",
    "NAVERPLACE_NAVER__ATTEMPTS": "2",
    "NAVERPLACE_NAVER__READ_TIMEOUT": "2",
    "NAVERPLACE_SENS__RETRY_WAIT": "0",
    "NAVERPLACE_SENS__ATTEMPTS": "2",
    "NAVERPLACE_AWS__ATTEMPTS": "2",
    "NAVERPLACE_TELEGRAM__RETRY_WAIT": "0",
    "NAVERPLACE_TELEGRAM__MAX_WAIT": "0.5",
    "NAVERPLACE_SLACK__RETRY_WAIT": "0",
    "NAVERPLACE_SLACK__MAX_WAIT": "0.5",
}


@dataclass(frozen=True)
class Message:
    """One message to a person: on the owner's Telegram, or the engineers' Slack."""

    at: datetime
    to: str  # owner | engineer
    text: str
    by: str = "naverplace"  # | prefect | switch


@dataclass(frozen=True)
class Silence:
    """A time in which a store's customers must get nothing."""

    store_id: str
    since: datetime
    until: datetime


@dataclass
class Played:
    """What has happened on a day."""

    sent_before: list[Slot] = field(default_factory=list)  # text messages of the days before
    runs: list[SeenRun] = field(default_factory=list)
    looks: int = 0  # watchdog, reconciliation, retention
    failed: list[str] = field(default_factory=list)  # processes that raised, in words
    messages: list[Message] = field(default_factory=list)
    sms: list[dict[str, Any]] = field(default_factory=list)
    lives: list[Any] = field(default_factory=list)
    silences: list[Silence] = field(default_factory=list)


class Player:
    """The day's world, and the hands that a trouble is planted with."""

    def __init__(self, sandbox: Sandbox, server: ForkServer, *, seed: int, bug: str = "") -> None:
        self.sandbox, self.server, self.seed, self.bug = sandbox, server, seed, bug
        sandbox.reset("empty", now=BEGIN - timedelta(minutes=1))
        sandbox.log_in()
        self.world = sandbox.world
        self.shop = Shop(sandbox, lives_of(seed))
        self.prefect = PrefectServer(self._told_by_prefect)
        # The same for each day of a process: its forks find the rules of this folder read.
        self.folder = Path(tempfile.gettempdir()) / f"naverplace-day-{os.getpid()}"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700)
        shutil.copytree(ROOT / "rules", self.folder / "rules")
        off, on = "slack: {enabled: false}", "slack: {enabled: true}"  # the engineers'
        self.edit("rules/notifications.yaml", lambda text: text.replace(off, on))
        shutil.copy(ROOT / "deployments" / "stores.yaml", self.folder)
        self.changed: dict[str, str] = {}  # settings that a trouble changes
        self.clock_error = 0.0  # seconds
        self.extra_bug = ""  # a trouble that is a bug of ours
        self.hit = False  # a trouble is there that may delay any message
        self.apart: set[str] = set()  # stores that are not served for now
        self.not_ours: set[str] = set()  # requests to SENS that a trouble makes
        self.lost: list[dict[str, Any]] = []  # messages that SENS has forgotten
        self.silent: list[Silence] = []  # stores that must get no message for a while
        self.on_run: Callable[[RunProcess], Fault] | None = None  # what happens in the next run
        self.played = Played()
        self._deployments = deployments()
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._frozen: tuple[RunProcess, Future[Ended]] | None = None
        self._by_prefect: set[tuple[str, int]] = set()
        self._numbers = itertools.count()

    def play(self, hours: tuple[float, float], plan: Callable[[Player], None]) -> Played:
        """Play these hours of the day with what `plan` plants."""
        begin, end = (BEGIN + timedelta(hours=hour) for hour in hours)
        try:
            self._open(begin)
            for deployment in self._deployments:
                for tick in deployment.ticks(begin, end):
                    self.at(tick, lambda d=deployment, t=tick: self._tick(d, t))  # type: ignore[misc]
            for moment, life, version in self.shop.coming():
                if moment < end:
                    self.at(moment, lambda li=life, v=version: self.shop.apply(li, v))  # type: ignore[misc]
            plan(self)
            while self._due and self._due[0][0] < end:
                moment, _, act = heapq.heappop(self._due)
                self._until(moment)
                act()
            self._until(end)
            return self._sum_up()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def at(self, moment: datetime, act: Callable[[], None]) -> None:
        """Let something happen later on."""
        heapq.heappush(self._due, (moment, next(self._order), act))

    def after(self, minutes: float, act: Callable[[], None]) -> None:
        """Let something happen in so many minutes."""
        self.at(self.world.now() + timedelta(minutes=minutes), act)

    def fault(
        self, service: str, match: str = "", kind: str = "status:503", value: Any = None
    ) -> None:
        """Let all of a service's requests that match go wrong until `no_faults`."""
        with self.world.lock:
            self.world.faults.append(Fault(service, match, kind, times=None, value=value))

    def no_faults(self) -> None:
        """Let all services work."""
        with self.world.lock:
            self.world.faults.clear()

    def edit(self, name: str, change: Callable[[str], str]) -> None:
        """Change one file of the configuration, as somebody does with an editor."""
        file = self.folder / name
        file.write_text(change(file.read_text("utf-8")), "utf-8")

    def restore(self, name: str) -> None:
        """Put a file of the configuration back."""
        source = ROOT / ("deployments" if name == "stores.yaml" else "") / name
        shutil.copy(source, self.folder / name)

    def command(self, *words: str, ago: timedelta = timedelta()) -> Ended:
        """Type a command of naverplace, or have done so. Raises RuntimeError when it fails."""
        self.clock_error, before = -ago.total_seconds(), self.clock_error
        ended = self._process({"flow": "command", "words": words}, self._name("command"))
        self.clock_error = before
        if ended.report.get("state") != "Completed":
            raise RuntimeError(f"naverplace {' '.join(words)}: {ended.report or ended.words}")
        return ended

    def stop_worker(self) -> None:
        """End the worker and whatever it runs."""
        self.prefect.worker = False

    def start_worker(self) -> None:
        """Start the worker, which takes up what waits."""
        self.prefect.worker = True
        self._take_up()

    def stop_server(self) -> None:
        """End server and worker."""
        self.prefect.up = self.prefect.worker = False

    def start_server(self) -> None:
        """Start both; what was planned meanwhile is late, and then taken up."""
        self.prefect.up = self.prefect.worker = True
        now = self.world.now()
        for deployment in self._deployments:
            for planned in list(self.prefect.waiting[deployment.name]):
                self.prefect.late(deployment, planned, now)
        self._take_up()

    def kill_in_next_run(self) -> None:
        """Kill the next run's process, and the worker, at its first text message."""

        def strike(run: RunProcess) -> Fault:
            def kill() -> None:
                run.kill()
                self.stop_worker()

            return Fault("sens", "POST", "hook_before", value=kill)

        self.on_run = strike

    def freeze_in_next_run(self) -> None:
        """Let the next run stand still at its first text message."""
        self.on_run = lambda run: Fault("sens", "POST", "hook_then", value=self._freezer(run))

    def _freezer(self, run: RunProcess) -> Callable[[], None]:
        self._stands_still = threading.Event()

        def freeze() -> None:
            run.freeze()
            self._stands_still.set()

        return freeze

    def thaw(self) -> None:
        """End the run that stands still, as its worker does when Prefect calls it crashed."""
        if self._frozen:
            run, ended = self._frozen
            self._frozen = None
            run.kill()
            ended.result(timeout=30)

    def _open(self, begin: datetime) -> None:
        self.world.set_now(begin - timedelta(minutes=1))
        self.shop.open()

    def _until(self, moment: datetime) -> None:
        """Let time pass; the outside's watchers look at their own moments."""
        switch = self.sandbox.dead_mans_switch
        while switch.due is not None and switch.due <= moment:
            self._set(switch.due)
            switch.look()
        self._set(moment)
        self.prefect.look(self.world.now())

    def _set(self, moment: datetime) -> None:
        if moment > self.world.now():
            self.world.set_now(moment)

    def _tick(self, deployment: Deployment, tick: datetime) -> None:
        if self.prefect.due(deployment, tick):
            self._start(deployment)
        else:
            self.at(tick + LATE, lambda: self.prefect.late(deployment, tick, self.world.now()))

    def _take_up(self) -> None:
        for deployment in self._deployments:
            if self.prefect.taken_up(deployment, self.world.now()):
                self._start(deployment)

    def _start(self, deployment: Deployment) -> None:
        name, began = self._name(deployment.flow), self.world.now()
        self.prefect.running[deployment.name] = began
        ended = self._process({"flow": deployment.flow}, name)
        now = self.world.now()
        if ended.state != "frozen":
            self.prefect.running.pop(deployment.name, None)
        self._note(deployment, began, ended)
        if ended.state in (DIED, "frozen"):
            self.at(began + HEARD, lambda: self._crashed(deployment))
        elif ended.state == "timed out":
            self.at(began + TIME_OUT, lambda: self._event("TimedOut", deployment))
        else:
            state, message = ended.report.get("state", "Failed"), ended.report.get("message", "")
            self.prefect.event(state, deployment, now, message)

    def _crashed(self, deployment: Deployment) -> None:
        self.prefect.running.pop(deployment.name, None)
        self._event("Crashed", deployment)

    def _event(self, state: str, deployment: Deployment) -> None:
        if self.prefect.up:
            self.prefect.event(state, deployment, self.world.now())

    def _note(self, deployment: Deployment, began: datetime, ended: Ended) -> None:
        if ended.words:
            self.played.failed.append(f"{began:%H:%M} {deployment.flow}: {ended.words}")
        if deployment.flow != "process-bookings":
            self.played.looks += 1
            return
        report = ended.report.get("report") or {}
        whole = ended.state == "reported"
        now = self.world.now().timestamp()
        self.played.runs.append(
            SeenRun(
                began.timestamp(),
                now if whole else None,
                now,
                self.hit or not whole,
                frozenset(STORE_IDS) - self.apart,
                named=frozenset(
                    (str(row["booking"]), str(row["kind"]))
                    for row in (*report.get("expired", ()), *report.get("unsettled", ()))
                ),
                expired=frozenset(
                    (str(row["booking"]), str(row["kind"])) for row in report.get("expired", ())
                ),
            )
        )

    def _name(self, flow: str) -> str:
        return f"{flow}-{next(self._numbers)}"

    def _process(self, order: Mapping[str, Any], name: str) -> Ended:
        order = {
            **order,
            "run_id": name,
            "env": self._environment(),
            "folder": str(self.folder),
            "seed": self.seed,
            "bug": ",".join(filter(None, (self.bug, self.extra_bug))),
        }
        run = self.server.start(order)
        strike = None
        if self.on_run and order["flow"] == "process-bookings":
            strike = self.on_run(run)
            with self.world.lock:
                self.world.faults.append(strike)
        self._stands_still = threading.Event() if strike is None else self._stands_still
        run.go()
        ended = self._wait(run, strike)
        if strike and strike.hits:
            self.on_run = None
        if strike:
            with self.world.lock:
                self.world.faults[:] = [f for f in self.world.faults if f is not strike]
        return ended

    def _wait(self, run: RunProcess, strike: Fault | None) -> Ended:
        if strike is None or strike.kind != "hook_then":
            return _end_of(run)
        future: Future[Ended] = Future()
        threading.Thread(target=lambda: future.set_result(_end_of(run)), daemon=True).start()
        while not future.done():
            if self._stands_still.wait(0.05):
                self._frozen = run, future
                return Ended("frozen", {})
        return future.result()

    def _environment(self) -> dict[str, str]:
        offset = self.world.offset.total_seconds() + self.clock_error
        return {
            **self.sandbox.environment(),
            **TUNED,
            "NAVERPLACE_CLOCK__OFFSET_SECONDS": repr(offset),
            "NAVERPLACE_RULES_DIR": str(self.folder / "rules"),
            "NAVERPLACE_STORES_FILE": str(self.folder / "stores.yaml"),
            "NAVERPLACE_REPORT_DIR": str(self.folder / "reports"),
            "NAVERPLACE_WATCHDOG__PING_URL": self.sandbox.urls["ping"] + PING,
            **self.changed,
        }

    def _told_by_prefect(self, text: str) -> None:
        """Call the webhooks that the automations' blocks hold; a dead one is nobody's business."""
        world, urls = self.world, self.sandbox.urls
        before = len(world.telegram), len(world.slack)
        chat = {"chat_id": world.bot.chat_id, "text": text}
        requests.post(f"{urls['telegram']}/bot{world.bot.token}/sendMessage", json=chat, timeout=9)
        requests.post(urls["slack"] + world.hook.path, json={"text": text}, timeout=9)
        self._by_prefect |= {("owner", n) for n in range(before[0], len(world.telegram))}
        self._by_prefect |= {("engineer", n) for n in range(before[1], len(world.slack))}

    def _sum_up(self) -> Played:
        self.thaw()
        for to, listed in (("owner", self.world.telegram), ("engineer", self.world.slack)):
            for number, message in enumerate(listed):
                by = "prefect" if (to, number) in self._by_prefect else "naverplace"
                by = "switch" if message["text"].startswith(SWITCH_SIGNS) else by
                at = datetime.fromisoformat(message["at"])
                self.played.messages.append(Message(at, to, message["text"], by))
        self.played.messages.sort(key=lambda message: message.at)
        sms = [*self.sandbox.messages(), *self.lost]
        self.played.sms = [m for m in sms if m["requestId"] not in self.not_ours]
        self.played.sent_before = self.shop.sent
        self.played.lives, self.played.silences = self.shop.lives, self.silent
        return self.played


def _end_of(run: RunProcess) -> Ended:
    try:
        return run.wait(LONGEST)
    except TimeoutError:
        return Ended("timed out", {})
