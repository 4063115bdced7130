"""Commands in a root of their own: other mounts, other processes, no capabilities, one user."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import IO

import psutil

from trials.image.dockerfile import NotUnderstood

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# docker: as with --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges.
# lambda: the same, with no /dev/shm that can be written. The network is this machine's own.
INSIDE = """
set -e
mount --make-rprivate /
mount --bind "$BOX" "$BOX"
[ "$BOX_MODE" = build ] || mount -o remount,bind,ro "$BOX"
mount -t proc proc "$BOX/proc"
[ "$BOX_MODE" = build ] || mount -t tmpfs -o mode=1777 tmpfs "$BOX/tmp"
[ "$BOX_MODE" != docker ] || mount -t tmpfs -o mode=1777,size=64m tmpfs "$BOX/dev/shm"
[ -z "$BOX_READ" ] || mount --bind "$BOX_READ" "$BOX/mnt"
root=$BOX
unset BOX BOX_MODE BOX_READ
exec "$@"
"""


@dataclass(frozen=True)
class Box:
    """A root with what a container is started with; `mode` is build, docker or lambda."""

    root: Path
    env: Mapping[str, str]
    workdir: str = "/"
    user: str = "0:0"
    mode: str = "docker"
    read: Path | None = None  # seen at /mnt, for a build's certificates
    extra: Mapping[str, str] = field(default_factory=dict)

    def command(self, words: Sequence[str]) -> list[str]:
        """Give the whole command line that starts `words` as the first process of the box."""
        unshare = ["/usr/bin/unshare", "--mount", "--pid", "--ipc", "--uts", "--fork"]
        inside = ["--kill-child", "/bin/bash", "-c", INSIDE, "box"]
        return [*unshare, *inside, *self._entering(words)]

    def _entering(self, words: Sequence[str]) -> list[str]:
        step = ["/usr/sbin/chroot", str(self.root)]
        return [*step, *self._as_user(words)]

    def _as_user(self, words: Sequence[str]) -> list[str]:
        there = ["/usr/bin/env", f"--chdir={self.workdir}", *words]
        if self.mode == "build":
            return there
        uid, _, gid = self.user.partition(":")
        rights = ["--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
        return ["/usr/bin/setpriv", f"--reuid={uid}", f"--regid={gid}", *rights, *there]

    def environment(self) -> dict[str, str]:
        """List the variables inside, and the box's own, which do not come through."""
        path = {"PATH": SYSTEM_PATH}
        own = {"BOX": str(self.root), "BOX_MODE": self.mode, "BOX_READ": str(self.read or "")}
        return {**path, **self.env, **self.extra, **own}

    def run(self, words: Sequence[str], *, seconds: float) -> subprocess.CompletedProcess[str]:
        """Run a command to its end and give what it said; a time-out ends all of its processes."""
        return subprocess.run(
            self.command(words),
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )

    @contextlib.contextmanager
    def started(self, words: Sequence[str], *, log: IO[bytes]) -> Iterator[Running]:
        """Start a command, and end whatever is left of it afterwards."""
        process = subprocess.Popen(
            self.command(words),
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield Running(self, process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=30)


@dataclass(frozen=True)
class Running:
    """A box at work."""

    box: Box
    process: subprocess.Popen[bytes]

    def first(self) -> psutil.Process:
        """Find the box's first process, as the machine sees it."""
        deadline = monotonic() + 10
        while monotonic() < deadline:
            for child in psutil.Process(self.process.pid).children():
                return child
            sleep(0.05)
        raise NotUnderstood(f"nothing has started in {self.box.root}")

    def inside(
        self, words: Sequence[str], *, seconds: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a command beside what runs, as `docker exec` and health checks do."""
        entering = [
            "/usr/bin/nsenter",
            f"--target={self.first().pid}",
            "--mount",
            "--pid",
            "--root",
        ]
        return subprocess.run(
            [*entering, "--", *self.box._as_user(words)],
            env={"PATH": SYSTEM_PATH, **self.box.env, **self.box.extra},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
