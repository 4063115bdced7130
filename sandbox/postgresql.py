"""A real PostgreSQL of one's own, for a Prefect server: gone without a trace."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

START_SECONDS = 60
USER = "prefect"
SYSTEM_USER = "postgres"  # PostgreSQL refuses to run as root; Debian's package makes this one


def programs() -> Path | None:
    """Find the newest installed PostgreSQL; None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


class PostgreSql:
    """Makes a cluster with one user and a password, and runs it until the end."""

    def __init__(self, programs: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="naverplace-postgresql-"))
        self.password = secrets.token_hex(16)
        self._programs = programs
        self._user = SYSTEM_USER if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    @property
    def url(self) -> str:
        """Give the URL that Prefect takes; it holds the password."""
        return f"postgresql+asyncpg://{USER}:{self.password}@127.0.0.1:{self.port}/postgres"

    def ask(self, sql: str) -> str:
        """Ask one question, and give the answer as text. Raises CalledProcessError."""
        words = ["-h", "127.0.0.1", "-p", str(self.port), "-U", USER, "-Atc", sql, "postgres"]
        done = subprocess.run(
            [str(self._programs / "psql"), *words],
            env={**os.environ, "PGPASSWORD": self.password},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def __enter__(self) -> PostgreSql:
        """Start it. Raises RuntimeError with the end of its log when it does not answer."""
        if self._user:
            shutil.chown(self.folder, self._user)
        data, word, log = self.folder / "data", self.folder / "password", self.folder / "log"
        word.write_text(self.password, "utf-8")
        word.chmod(0o644)  # the folder is nobody else's
        made = [str(self._programs / "initdb"), "-D", str(data), "-U", USER, "-E", "UTF8"]
        made += ["--locale=C.UTF-8", "--auth=scram-sha-256", f"--pwfile={word}", "--no-sync"]
        subprocess.run(made, user=self._user, cwd="/", check=True, capture_output=True)
        options = ["-p", str(self.port), "-h", "127.0.0.1", "-k", str(self.folder), "-F"]
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(data), *options],
                user=self._user,
                cwd="/",
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.ask("select 1")
            except subprocess.CalledProcessError:
                time.sleep(0.1)
            else:
                return self
        tail = log.read_text(errors="replace")[-2000:]
        self.stop()
        raise RuntimeError(f"PostgreSQL did not start; the end of its log:\n{tail}")

    def stop(self) -> None:
        """End it, and remove its folder."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
