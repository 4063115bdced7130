"""How many requests to Naver may be under way at one moment: one limit for all of a run."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from naverplace.naver.session import NaverSession, SessionSnapshot


class RequestSlots:
    """Slots for requests to Naver, whatever they ask for, each with a connection of its own.

    A first page waits for the pages that follow another one, so that the longest list of all is
    not read last. Threads share it.
    """

    def __init__(self, parallel: int, pause_seconds: float = 0.0) -> None:
        self.parallel, self.pause_seconds = parallel, pause_seconds
        self.longest_page = 0  # bookings that Naver has listed at once
        self._free = parallel
        self._waiting: set[tuple[bool, int]] = set()
        self._order = itertools.count()
        self._changed = Condition()
        self._idle: list[tuple[NaverSession, SessionSnapshot]] = []  # whose connection is open

    @contextmanager
    def slot(self, *, first_page: bool) -> Iterator[None]:
        """Hold a slot, waiting for it."""
        with self._changed:
            turn = (first_page, next(self._order))
            self._waiting.add(turn)
            try:
                self._changed.wait_for(lambda: self._free and min(self._waiting) == turn)
                self._free -= 1
            finally:
                self._waiting.remove(turn)
                self._changed.notify_all()  # another slot may be free for the next in the line
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()

    @contextmanager
    def connection(self, session: NaverSession) -> Iterator[SessionSnapshot]:
        """Lend a connection with the session's cookies, open already where one is left."""
        with self._changed:
            kept, self._idle = self._idle, []
            for held in kept:  # those of a session that was renewed are no use any more
                if held[0] is session and held[1].generation == session.generation:
                    self._idle.append(held)
            snapshot = self._idle.pop()[1] if self._idle else None
        if snapshot and self.pause_seconds:
            time.sleep(self.pause_seconds)
        snapshot = snapshot or session.snapshot()
        yield snapshot
        with self._changed:  # after an error nobody knows what is left on the line
            self._idle.append((session, snapshot))
