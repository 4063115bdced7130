"""Who calls: a client that is given URLs of its own names itself at the beginning of every path.

So a sandbox that serves one experiment after another can tell their clients apart, refuse one that
has outlived its own, and name it. Without `Callers.expect` everybody is let in.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from wsgiref.types import WSGIEnvironment

from sandbox.request_log import Seen

MARK = "/~"
SANDBOX = "sandbox"  # its own look at its services


def urls_for(caller: str, urls: Mapping[str, str]) -> dict[str, str]:
    """Give a caller's own URLs; `caller` is letters, digits, dots and hyphens."""
    parts = {name: urlsplit(url) for name, url in urls.items()}
    return {name: f"{p.scheme}://{p.netloc}{MARK}{caller}{p.path}" for name, p in parts.items()}


def take_caller(environ: WSGIEnvironment) -> str:
    """Take the caller's name off the path, as a server takes an app's mount point; return it."""
    path = environ["PATH_INFO"]
    if not path.startswith(MARK):
        return ""
    caller, slash, rest = path.removeprefix(MARK).partition("/")
    environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + MARK + caller
    environ["PATH_INFO"] = slash + rest
    return str(caller)


@dataclass
class Callers:
    """Who is let in, who was refused, and whose requests are being served."""

    refused: list[Seen] = field(default_factory=list)
    _expected: frozenset[str] | None = None  # None: everybody
    _served: list[Seen] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def expect(self, *callers: str) -> None:
        """Let in these only, and the sandbox itself, from now on."""
        with self._changed:
            self._expected = frozenset({SANDBOX, *callers})

    def enter(self, seen: Seen) -> bool:
        """Begin to serve a request; False when its caller is refused."""
        with self._changed:
            if not self._is_expected(seen):
                return False
            self._served.append(seen)
            return True

    def still_expected(self, seen: Seen) -> bool:
        """Ask again before a request is acted upon that may have been held for long."""
        with self._changed:
            return self._is_expected(seen)

    def leave(self, seen: Seen) -> None:
        """End serving a request."""
        with self._changed:
            self._served = [other for other in self._served if other is not seen]
            self._changed.notify_all()

    def wait_until_idle(self, seconds: float) -> None:
        """Wait until no request is being served. Raises TimeoutError with those that still are."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._served, seconds):
                served = "; ".join(f"{s.caller}: {s.service} {s.line}" for s in self._served)
                raise TimeoutError(f"still served after {seconds:g} s: {served}")

    def _is_expected(self, seen: Seen) -> bool:
        expected = self._expected is None or seen.caller in self._expected
        if not expected:
            self.refused.append(seen)
        return expected
