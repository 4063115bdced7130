"""Every order in which several processes may take their steps to the outside, gone through.

A process is run again from its beginning for each of its steps: what it was answered before is
repeated, its next step is really done, and there it is stopped. So no thread is needed, a world is
a value that can be kept, and two orders that lead to the same world are followed only once.
A process may also die between any two of its steps: what it was answered last, it never learns.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from tests.memory_dynamodb import MemoryClient, Tables

LONGEST = 900.0  # seconds, of a legacy run


class Stopped(BaseException):
    """The process has taken its step; no Exception, so that nobody swallows it."""


class Waiting(BaseException):
    """The process can do nothing until the world has changed."""


class Got(NamedTuple):
    """One message that was sent."""

    by: str
    booking: str
    kind: str


@dataclass
class World:
    """Everything outside of the processes."""

    now: datetime
    tables: Tables = field(default_factory=lambda: {"sms": {}, "session": {}})
    rule: bool = True  # starts the legacy
    got: list[Got] = field(default_factory=list)
    log: list[Any] = field(default_factory=list)  # SENS's own

    def name(self) -> bytes:
        """Name this world: equal ones have one name."""
        items = [sorted((k, _sorted(v)) for k, v in t.items()) for t in self.tables.values()]
        return pickle.dumps((self.now, items, self.rule, sorted(self.got), self.log))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((k, _sorted(v)) for k, v in value.items())
    return str(value) if not isinstance(value, bool | list) else value


class Port:
    """One process's way to the world while it is run again."""

    def __init__(self, name: str, world: World, log: Sequence[Any], *, all_at_once: bool) -> None:
        self.name, self.world, self.log = name, world, list(log)
        self.at, self.stepped, self.all_at_once = 0, False, all_at_once
        self.ids, self.dead, self.slept = 0, False, False

    def call(self, work: Callable[[], Any], *, step: bool = True) -> Any:
        """Repeat an answer, or do the work; before a second step of its own it is stopped."""
        if self.dead:
            raise Stopped  # what cleans up on the way out of a stopped process never happens
        if self.at == len(self.log):
            if step and self.stepped and not self.all_at_once:
                self.dead = True
                raise Stopped
            self.stepped = self.stepped or step
            try:
                self.log.append((True, work()))
            except Exception as error:  # noqa: BLE001 - an answer like any other
                self.log.append((False, error))
        fine, answer = self.log[self.at]
        self.at += 1
        if fine:
            return answer  # a value of its own, which nobody changes
        raise answer

    def sleep(self) -> None:
        """Wait once and look again; who has to wait twice, waits for somebody else's step."""
        if self.dead or (self.at == len(self.log) and self.stepped):
            self.dead = True
            raise Stopped
        if self.at == len(self.log):
            if self.slept:
                raise Waiting
            self.slept = True
            self.log.append((True, None))
        self.at += 1

    def now(self) -> datetime:
        """Look at the clock."""
        moment: datetime = self.call(lambda: self.world.now, step=False)
        return moment

    def token(self) -> str:
        """Give the process's next token."""
        self.ids += 1
        return f"{self.name}-{self.ids}"


class PortClient(MemoryClient):
    """A client whose calls are steps, of table `session` only where `all_tables` says so."""

    def __init__(self, port: Port, *, all_tables: bool) -> None:
        super().__init__(port.world.tables)
        self.port, self.all_tables = port, all_tables

    def call(self, name: str, table: str, work: Any) -> Any:
        """Do one call as a step."""
        # A read is no step: it is done at once after the step before, and may be stale later.
        changes = self.all_tables and name == "write"
        return self.port.call(work, step=table == "sms" or changes)


Body = Callable[[Port], None]
running: list[Port] = []  # the process that is taking its step


def sleep(seconds: float) -> None:
    """Wait, as the process that is taking its step."""
    running[-1].sleep()


class Token:
    """A uuid4 that is the same whenever its process is run again."""

    @property
    def hex(self) -> str:
        return running[-1].token()


@dataclass(frozen=True)
class Process:
    """A process that begins at a tick; `limited` ones live for 900 s at most, as a Lambda does."""

    name: str
    begins: int
    body: Body
    limited: bool = False
    log: tuple[Any, ...] = ()
    began: datetime | None = None
    over: bool = False
    past: str = ""  # all its answers; of one that is over, none matters any more

    def step(self, world: World, *, all_at_once: bool = False) -> Process | None:
        """Take the next step in this world; None when it can only wait."""
        port = Port(self.name, world, self.log, all_at_once=all_at_once)
        over = True
        running.append(port)
        try:
            self.body(port)
        except Stopped:
            over = False
        except Waiting:
            return None
        finally:
            running.pop()
        new = repr([a if fine else repr(a) for fine, a in port.log[len(self.log) :]])
        past = "over" if over else hashlib.sha1((self.past + new).encode()).hexdigest()
        began = self.began or world.now
        return replace(self, log=tuple(port.log), began=began, over=over, past=past)


class Left(NamedTuple):
    """A world as bytes, and its name."""

    world: bytes
    name: bytes


def _left(world: World) -> Left:
    return Left(pickle.dumps(world), world.name())


# What a step leads to, by the world's name, the process and its past: nothing else decides it.
Steps = dict[tuple[Any, ...], tuple[Process, Left] | None]


@dataclass(frozen=True)
class Node:
    """A world with its processes, between two steps."""

    left: Left
    processes: tuple[Process, ...]
    tick: int
    crashes: int = 0  # that may still happen

    @property
    def name(self) -> tuple[Any, ...]:
        """Name this state: what follows depends on nothing else."""
        return self.left.name, tuple(p.past for p in self.processes), self.tick, self.crashes


class Explored(NamedTuple):
    """How much was gone through."""

    ends: int  # different worlds that are left
    states: int
    orders: int  # of steps, crashes and ticks, from the beginning to an end


def explore(
    world: World,
    processes: Sequence[Process],
    ticks: Sequence[datetime],
    end: Callable[[World], None],
) -> int:
    """Follow every order of steps, and call `end` with each world that is left; counts them."""
    return explore_all(world, processes, ticks, end).ends


def explore_all(
    world: World,
    processes: Sequence[Process],
    ticks: Sequence[datetime],
    end: Callable[[World], None],
    *,
    crashes: int = 0,
    observe: Callable[[Node, Node, str], None] = lambda before, after, by: None,
) -> Explored:
    """Follow every order of steps in which so many processes may die anywhere.

    Calls `end` with each world that is left, and `observe` with each step: the states before and
    after it, and which process took it, or dies, or that `time` goes on.
    """
    first = Node(_left(replace(world, now=ticks[0])), tuple(processes), 0, crashes)
    todo, ends, steps = [first], set[bytes](), Steps()
    leads_to: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {first.name: []}
    while todo:
        node = todo.pop()
        following = list(_following(node, ticks, steps))
        for by, one in following:
            observe(node, one, by)
            if (name := one.name) not in leads_to:
                leads_to[name] = []
                todo.append(one)
        leads_to[node.name] = [one.name for _, one in following]
        if not following:
            stuck = [(p.name, p.log[-2:]) for p in node.processes if not p.over]
            assert not stuck, f"nobody can go on: {stuck}"
            if node.left.name not in ends:
                ends.add(node.left.name)
                end(pickle.loads(node.left.world))
    return Explored(len(ends), len(leads_to), _paths(leads_to, first.name))


def _paths(leads_to: dict[tuple[Any, ...], list[tuple[Any, ...]]], first: tuple[Any, ...]) -> int:
    """Count the ways from the first state to any last one."""
    counted: dict[tuple[Any, ...], int] = {}
    todo = [first]
    while todo:
        name = todo[-1]
        unknown = [other for other in leads_to[name] if other not in counted]
        todo += unknown
        if not unknown:
            counted[name] = sum(counted[other] for other in leads_to[name]) or 1
            todo.pop()
    return counted[first]


def _following(node: Node, ticks: Sequence[datetime], steps: Steps) -> Iterator[tuple[str, Node]]:
    """Give what may come next, with the name of the process that takes the step."""
    for at, process in enumerate(node.processes):
        if process.over or process.begins > node.tick:
            continue
        if node.crashes and process.began:
            dead = replace(process, over=True, past="over")
            others = (*node.processes[:at], dead, *node.processes[at + 1 :])
            yield f"{process.name} dies", Node(node.left, others, node.tick, node.crashes - 1)
        known = (node.left.name, process.name, process.past, process.began)
        if known not in steps:
            world: World = pickle.loads(node.left.world)
            stepped = process.step(world)
            steps[known] = (stepped, _left(world)) if stepped else None
        if led := steps[known]:
            others = (*node.processes[:at], led[0], *node.processes[at + 1 :])
            yield process.name, Node(led[1], others, node.tick, node.crashes)
    if node.tick + 1 < len(ticks) and _may_pass(node, ticks[node.tick + 1]):
        world = pickle.loads(node.left.world)
        world.now = ticks[node.tick + 1]
        yield "time", Node(_left(world), node.processes, node.tick + 1, node.crashes)


def _may_pass(node: Node, then: datetime) -> bool:
    """Tell whether time may go on: all have begun, and no legacy run would outlive its limit."""
    due = [p for p in node.processes if p.begins <= node.tick]
    return all(
        p.over or (p.began and not (p.limited and (then - p.began).total_seconds() >= LONGEST))
        for p in due
    )
