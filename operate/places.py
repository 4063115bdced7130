"""Where one machine's server, worker and simulated world keep their things."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
POOL = "naverplace"  # prefect.yaml's deployments name it too
MAIN = "process-bookings/every-20-minutes"
LEASES = "prefect.server.concurrency.lease_storage.filesystem"


class CannotStart(Exception):
    """Something is missing or does not answer; the text says what and what to do."""


@dataclass(frozen=True)
class Place:
    """The folder of one installation; `home` survives `make down`, so that history does."""

    folder: Path
    port: int
    address: str = ""  # of a server elsewhere, such as http://prefect.internal:4200

    @property
    def home(self) -> Path:
        """Name PREFECT_HOME: the database (SQLite), and the leases of concurrency slots."""
        return self.folder / "prefect"

    @property
    def state_file(self) -> Path:
        """Name the file that says what is up."""
        return self.folder / "up.json"

    @property
    def urls_file(self) -> Path:
        """Name the file in which the simulated world tells its addresses."""
        return self.folder / "sandbox.json"

    @property
    def url(self) -> str:
        """Give the UI's address."""
        return self.address or f"http://127.0.0.1:{self.port}"

    @property
    def auth_file(self) -> Path:
        """Name the file with the login of this machine's server."""
        return self.folder / "prefect-login"

    @property
    def auth_string(self) -> str:
        """Give the login that every request to the server needs, as user:password.

        That of a server elsewhere is in PREFECT_API_AUTH_STRING; this machine's is made once.
        """
        if self.address:
            return os.environ.get("PREFECT_API_AUTH_STRING", "")
        try:
            return self.auth_file.read_text("utf-8").strip()
        except FileNotFoundError:
            return self._make_login()

    def _make_login(self) -> str:
        self.prepare()
        login = f"naverplace:{secrets.token_urlsafe(24)}"
        with open(os.open(self.auth_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(login + "\n")
        return login

    def prepare(self) -> None:
        """Make the folder, for its owner only: the server's database holds the bot's token."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)

    def log(self, name: str) -> Path:
        """Name a process's log."""
        return self.folder / f"{name}.log"

    def client_environment(self) -> dict[str, str]:
        """List the variables by which workers, flows and commands find the server."""
        return {
            "PREFECT_HOME": str(self.home),
            "PREFECT_API_URL": f"{self.url}/api",
            "PREFECT_API_AUTH_STRING": self.auth_string,
            "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_LOGGING_SETTINGS_PATH": str(ROOT / "deployments" / "logging.yml"),
            "DO_NOT_TRACK": "1",
            "NAVERPLACE_HOME": str(ROOT),
        }

    def server_environment(self, *, database: str = "") -> dict[str, str]:
        """List the server's variables; `database` is a URL, such as postgresql+asyncpg://..."""
        variables = {
            **self.client_environment(),
            # Without it the UI asks port 4200, whatever the port is.
            "PREFECT_SERVER_UI_API_URL": f"{self.url}/api",
            # Whoever may start a run acts as this user: a login, and nothing for other pages.
            "PREFECT_SERVER_API_AUTH_STRING": self.auth_string,
            "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": self.url,
            "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
            # A worker asks every ten seconds: what begins a minute later is not late yet.
            "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "300",
            # In memory, a killed worker and a restarted server would keep a slot for ever.
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": LEASES,
            # Whoever is refused a slot of a global limit asks again after some seconds, not thirty.
            "PREFECT_SERVER_CONCURRENCY_MAXIMUM_CONCURRENCY_SLOT_WAIT_SECONDS": "5",
            "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
            "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": "P30D",
        }
        if database:
            variables["PREFECT_API_DATABASE_CONNECTION_URL"] = database
        return variables


@dataclass
class State:
    """What is up, as `make down` must know it."""

    port: int
    real: bool
    processes: dict[str, dict[str, Any]] = field(default_factory=dict)  # by name: pid, started

    def write(self, path: Path) -> None:
        """Write it aside and rename, so that nobody reads half of it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(".part")
        aside.write_text(json.dumps(vars(self), indent=1), encoding="utf-8")
        aside.rename(path)

    @classmethod
    def read(cls, path: Path) -> State | None:
        """Read it; None when nothing was ever up, or the file is not ours."""
        try:
            return cls(**json.loads(path.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None
