"""A real Prefect server of one's own: free port, own home, gone without a trace."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from types import TracebackType

import requests

START_SECONDS = 120  # a fresh database is migrated first: 10 s on a fast machine
# A fresh server's database as it was made once: copied, it need not be migrated.
FRESH = Path(__file__).resolve().parents[1] / ".naverplace" / f"prefect-{version('prefect')}.db"


class PrefectServer:
    """Starts `prefect server start` as a process group, waits until it answers, and ends it."""

    def __init__(self, home: Path | None = None, **settings: str) -> None:
        self.settings = settings  # of the server, on top of ours: PREFECT_SERVER_...="..."
        self.home = home or Path(tempfile.mkdtemp(prefix="naverplace-prefect-"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        """List the variables by which a flow's process finds this server, and nothing else."""
        return {
            "PREFECT_HOME": str(self.home),
            "PREFECT_API_URL": f"{self.url}/api",
            "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
        }

    def start(self) -> PrefectServer:
        """Start the server; raises RuntimeError with the end of its log when it does not answer."""
        log_path, database = self.home / "server.log", self.home / "prefect.db"
        fresh = not database.exists()
        if fresh and FRESH.exists():
            shutil.copyfile(FRESH, database)
        with log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "prefect", "server", "start", "--port", str(self.port)],
                env={
                    **os.environ,
                    **self.environment(),
                    # Without it the UI asks port 4200, whatever the port is.
                    "PREFECT_SERVER_UI_API_URL": f"{self.url}/api",
                    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": (
                        "prefect.server.concurrency.lease_storage.filesystem"
                    ),
                    "PREFECT_SERVER_CONCURRENCY_MAXIMUM_CONCURRENCY_SLOT_WAIT_SECONDS": "5",
                    **self.settings,
                },
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._answers():
                if fresh and not FRESH.exists():
                    _keep_fresh(database)
                return self
            time.sleep(0.2)
        tail = log_path.read_text(errors="replace")[-2000:]
        self.stop()
        raise RuntimeError(f"the Prefect server did not start; the end of its log:\n{tail}")

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/api/health", timeout=2).ok
        except requests.RequestException:
            return False

    def restart(self) -> PrefectServer:
        """End the server and start it again, with the same home and at the same address."""
        self._end()
        return self.start()

    def stop(self) -> None:
        """End the server with all its processes, and remove its home."""
        self._end()
        shutil.rmtree(self.home, ignore_errors=True)

    def _end(self) -> None:
        if self._process is not None:
            for sign in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(self._process.pid, sign)
                    self._process.wait(timeout=10)
                    break
                except subprocess.TimeoutExpired:
                    continue
                except ProcessLookupError:
                    break
            self._process = None

    def __enter__(self) -> PrefectServer:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _keep_fresh(database: Path) -> None:
    FRESH.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FRESH.parent) as folder:
        copy = Path(folder) / FRESH.name
        with closing(sqlite3.connect(database)) as made, closing(sqlite3.connect(copy)) as kept:
            made.backup(kept)
        copy.replace(FRESH)


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
