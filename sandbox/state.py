"""What the simulated outside world knows; every service works on one `World`."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from threading import Event, RLock
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sandbox.callers import Callers
from sandbox.credentials import AwsAccount, SensAccount, SlackHook, TelegramBot
from sandbox.faults import Fault
from sandbox.naver_account import Account, Login, Logins
from sandbox.naver_switches import BookingSwitches
from sandbox.request_log import Seen

SEOUL = ZoneInfo("Asia/Seoul")
Raw = dict[str, Any]


class HasScenario(Protocol):
    """What `World.load` reads of a scenario."""

    @property
    def now(self) -> datetime: ...
    @property
    def stores(self) -> Mapping[str, list[Raw]]: ...
    @property
    def account(self) -> Account: ...
    @property
    def login(self) -> Login | None: ...


@dataclass
class World:
    """The outside world at one moment; hold `lock` to read and change more than one thing."""

    stores: dict[str, list[Raw]] = field(default_factory=dict)
    account: Account = field(default_factory=Account)
    cookies: Logins = field(default_factory=Logins)
    booking_switches: BookingSwitches = field(default_factory=BookingSwitches)
    expired_variant: str = "json401"
    nid_url: str = ""
    sens: SensAccount = field(default_factory=SensAccount)
    bot: TelegramBot = field(default_factory=TelegramBot)
    hook: SlackHook = field(default_factory=SlackHook)
    aws: AwsAccount = field(default_factory=AwsAccount)
    messages: list[Raw] = field(default_factory=list)  # text messages that SENS accepted
    telegram: list[Raw] = field(default_factory=list)
    slack: list[Raw] = field(default_factory=list)
    requests: list[Seen] = field(default_factory=list)
    callers: Callers = field(default_factory=Callers)
    faults: list[Fault] = field(default_factory=list)
    latency: dict[str, float] = field(default_factory=dict)  # service -> seconds of every answer
    offset: timedelta = timedelta()
    released: Event = field(default_factory=Event)  # set at reset and stop: nobody waits on
    lock: RLock = field(default_factory=RLock)

    def now(self) -> datetime:
        """Tell this world's time, aware, in Asia/Seoul."""
        return (datetime.now(UTC) + self.offset).astimezone(SEOUL)

    def set_now(self, now: datetime) -> None:
        """Set the clock; it goes on from there at the machine's speed."""
        if now.tzinfo is None:
            raise ValueError("the sandbox's clock needs a time with a zone, like ...+09:00")
        self.offset = now - datetime.now(UTC)

    def advance(self, seconds: float) -> None:
        """Move the clock."""
        self.offset += timedelta(seconds=seconds)

    @property
    def login_attempts(self) -> int:
        """How many login forms were sent, right or wrong."""
        return self.account.attempts

    def release(self) -> None:
        """Let every held answer end now."""
        self.released.set()
        self.account.released.set()

    def load(self, scenario: HasScenario | None, *, now: datetime | None = None) -> None:
        """Forget everything and begin anew with a scenario; None is an empty world today."""
        kept = ("nid_url", "lock", "requests", "callers")
        with self.lock:
            self.release()
            fresh = World()
            for part in fields(World):
                if part.name not in kept:
                    setattr(self, part.name, getattr(fresh, part.name))
            self.requests = []
            if scenario is not None:
                # A tenth of what deepcopy costs, and every test begins here.
                self.stores = pickle.loads(pickle.dumps(dict(scenario.stores)))  # noqa: S301
                self.account = deepcopy_account(scenario.account)
                self.cookies = Logins([scenario.login] if scenario.login else [])
                self.set_now(scenario.now)
            if now is not None:
                self.set_now(now)


def deepcopy_account(account: Account) -> Account:
    """Copy an account; its event cannot be copied and is made anew."""
    return Account(
        username=account.username,
        password=account.password,
        mode=account.mode,
        captcha_answer=account.captcha_answer,
        two_step_approved=account.two_step_approved,
        hang_seconds=account.hang_seconds,
    )
