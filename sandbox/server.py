"""The sandbox: every outside service of a run in one process, on ports of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any
from wsgiref.types import WSGIApplication

from sandbox.aws import AwsClient, MotoApp
from sandbox.callers import SANDBOX, urls_for
from sandbox.dead_mans_switch import DeadMansSwitch, create_ping_app
from sandbox.environment import environment, secret_tree
from sandbox.naver.booking_api import create_partner_app
from sandbox.naver.login import create_nid_app
from sandbox.naver_account import Login
from sandbox.scenarios.build import Scenario, load_scenario
from sandbox.state import World
from sandbox.web import WebService


class Sandbox:
    """A simulated outside world; use it as a context manager, or call `start` and `stop`.

    `scenario` is a name, a path to a YAML file, or None for an empty world; `now` sets another
    time than the scenario's; `ports` fixes the ports of some services by name (0: any free one);
    `aws` makes another AWS than moto's.
    """

    def __init__(
        self,
        scenario: str | Path | None = "first-run",
        *,
        now: datetime | None = None,
        ports: Mapping[str, int] | None = None,
        aws: Callable[[], MotoApp] = MotoApp,
    ) -> None:
        self.world = World()
        self.dead_mans_switch = DeadMansSwitch(self.world)
        self.urls: dict[str, str] = {}
        self.expected: Mapping[str, Any] = {}
        self.scenario: Scenario | None = None
        self._first, self._now, self._ports = scenario, now, dict(ports or {})
        self._make_aws = aws
        self._services: dict[str, WebService] = {}

    def start(self) -> Sandbox:
        """Bind every port, load the scenario and serve."""
        self._moto = self._make_aws()
        try:
            for name, app in self._apps().items():
                port = self._ports.get(name, 0)
                service = WebService(app, service=name, world=self.world, port=port)
                self._services[name] = service
                self.urls[name] = service.url
                service.start()
            self.urls["www"] = f"{self.urls['nid']}/www"
            self.urls["smartplace"] = f"{self.urls['nid']}/smartplace"
            self.world.nid_url = self.urls["nid"]
            self._aws = AwsClient(urls_for(SANDBOX, self.urls)["aws"], self.world.aws)
            self.reset(self._first, now=self._now)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End every service; no thread and no port is left."""
        self.world.release()
        for service in self._services.values():
            service.stop()
        self._services.clear()
        self.urls.clear()

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def reset(self, scenario: str | Path | None, *, now: datetime | None = None) -> None:
        """Forget everything and begin anew with a scenario; the ports stay."""
        loaded = load_scenario(scenario) if scenario is not None else None
        with self.world.lock:
            self.world.load(loaded, now=now)
            self.scenario = loaded
            self.expected = loaded.expected if loaded else {}
            self.dead_mans_switch.forget()
        self._moto.forget()
        self._aws.create_tables()
        if loaded is not None:
            self._aws.put("sms", loaded.records)
            if loaded.login is not None:
                self._store(loaded.login)
        self._aws.put_secret(secret_tree(self.world, self.urls))
        self.world.requests.clear()

    def environment(self, *, secrets_in_manager: bool = False, caller: str = "") -> dict[str, str]:
        """List the variables that point the library at this sandbox.

        `secrets_in_manager` leaves the secrets out and names the Secrets Manager secret instead.
        `caller` is a name that stands in every request of whoever has these variables.
        """
        urls = urls_for(caller, self.urls) if caller else self.urls
        return environment(self.world, urls, secrets_in_manager=secrets_in_manager)

    def messages(self) -> list[dict[str, Any]]:
        """List the text messages that SENS accepted, in order; `status` is as of now."""
        from sandbox.sens_delivery import delivery_of

        with self.world.lock:
            return [delivery_of(self.world, message) for message in self.world.messages]

    def sms_items(self) -> list[dict[str, Any]]:
        """List the items of table `sms`."""
        return self._aws.items("sms")

    def session_items(self) -> list[dict[str, Any]]:
        """List the items of table `session`."""
        return self._aws.items("session")

    def log_in(self) -> None:
        """Log the owner in and store the session, as a run before would have."""
        with self.world.lock:
            login = self.world.cookies.issue(self.world.now())
        self._store(login)

    def forget_session(self) -> None:
        """Empty table `session`; what Naver accepts stays as it is."""
        for item in self.session_items():
            self._aws.delete("session", {"id": item["id"]})

    def remember_failed_login(self, reason: str, *, minutes: float = 60) -> None:
        """Leave the note that the library leaves after a refused login, beside the cookies."""
        now = self.world.now()
        self.put_session_item(
            {
                "id": "naverplace-login",
                "reason": reason,
                "failures": 1,
                "failed_at": now.isoformat(timespec="seconds"),
                "until": (now + timedelta(minutes=minutes)).isoformat(timespec="seconds"),
            }
        )

    def put_session_item(self, item: Mapping[str, Any]) -> None:
        """Write an item of table `session` as it is."""
        self._aws.put("session", [item])

    def put_sms_item(self, item: Mapping[str, Any]) -> None:
        """Write an item of table `sms` as it is."""
        self.put_sms_items([item])

    def put_sms_items(self, items: Iterable[Mapping[str, Any]]) -> None:
        """Write items of table `sms` as they are."""
        self._aws.put("sms", items)

    def _store(self, login: Login) -> None:
        if login not in self.world.cookies.alive:
            self.world.cookies.alive.append(login)
        self._aws.put("session", [login.session_item()])

    def _apps(self) -> dict[str, WSGIApplication]:
        from sandbox.control import create_control_app
        from sandbox.sens import create_sens_app
        from sandbox.slack import create_slack_app
        from sandbox.telegram import create_telegram_app

        return {
            "nid": create_nid_app(self.world),
            "partner": create_partner_app(self.world),
            "sens": create_sens_app(self.world),
            "telegram": create_telegram_app(self.world),
            "slack": create_slack_app(self.world),
            "aws": self._moto,
            "ping": create_ping_app(self.dead_mans_switch),
            "control": create_control_app(self),
        }
