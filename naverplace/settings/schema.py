"""The one typed tree of settings; `load_settings` in `naverplace.settings.loader` fills it.

The text below a field becomes its comment in `.env.example`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from naverplace.aws.config import AwsSettings
from naverplace.base.clock import Clock
from naverplace.base.setting_types import (
    LOOPBACK,
    Digits,
    Link,
    Secret,
    SecretUrl,
    Section,
    Senders,
    Url,
    is_url,
)
from naverplace.settings.sections import (
    BreakerSettings,
    CapSettings,
    CaptureSettings,
    CutoverSettings,
    DocumentSettings,
    LedgerSettings,
    ParitySettings,
    PriceSettings,
    QualitySettings,
    ReconcileSettings,
    RetentionSettings,
    ThresholdSettings,
    WatchdogSettings,
)


class ClockSettings(Section):
    """Time."""

    offset_seconds: float = 0.0
    """simulations only: refused unless every URL is on loopback"""
    max_skew_seconds: float = Field(120.0, gt=0)
    """stop when our clock and Naver's differ by more"""


class NaverSettings(Section):
    """Naver: the owner's account and the booking API."""

    username: Secret
    """the owner's Naver id"""
    password: Secret
    """the owner's Naver password"""
    nid_url: Url = "https://nid.naver.com"
    """the login site"""
    www_url: Url = "https://www.naver.com"
    """where a login returns to (L2)"""
    smartplace_url: Url = "https://new.smartplace.naver.com"
    """the page cookies are added on (L3)"""
    partner_url: Url = "https://partner.booking.naver.com"
    """the booking API (L5, L6)"""
    session_check: str = Field("light", pattern="^(light|browser)$")
    """light: one HTTP request; browser: the legacy's check (L3)"""
    page_size: int = Field(50, ge=1, le=200)
    """bookings a page (L6)"""
    max_days_per_request: int = Field(31, ge=1, le=31)
    """longer ranges are split; Naver refuses more than 31 days"""
    completed_lookback_days: int = Field(30, ge=1, le=366)
    """days before today of which completed bookings (RC08) are read; 31 days are one request"""
    connect_timeout: float = Field(5.0, gt=0)
    """seconds until connected"""
    read_timeout: float = Field(20.0, gt=0)
    """seconds until an answer"""
    attempts: int = Field(3, ge=1, le=10)
    """tries of one question before the store counts as failed"""
    retry_wait: float = Field(1.0, ge=0)
    """seconds before the second try; doubles"""
    parallel: int = Field(6, ge=1, le=16)
    """requests under way at one moment, as many as a browser opens to one host"""
    pause_seconds: float = Field(0.0, ge=0)
    """between two requests on one connection (the legacy waited 1 s after each page)"""
    login_timeout: float = Field(30.0, gt=0)
    """seconds for a page of the login to appear"""
    login_cooldown_minutes: float = Field(60.0, ge=0)
    """no login this long after a refused one: repeated attempts lock an account"""
    chromium_path: Path = Path("/usr/bin/chromium")
    """the browser"""
    chromedriver_path: Path = Path("/usr/bin/chromedriver")
    """its driver"""


class SensSettings(Section):
    """Naver Cloud SENS: text messages."""

    url: Url = "https://sens.apigw.ntruss.com"
    """the API gateway"""
    service_id: str = Field(pattern=r"^ncp:sms:[a-z]+:[0-9]+:[A-Za-z0-9_.-]+$")
    """the SMS service, like ncp:sms:kr:000000000000:project"""
    access_key: Secret
    """Naver Cloud access key id"""
    secret_key: Secret
    """Naver Cloud secret key"""
    default_sender: Digits
    """registered sender number; a store may have its own"""
    own_numbers: Senders = ()
    """your own phones, like 010-0000-0000, 010-0000-0001: `naverplace preview --send` goes there"""
    connect_timeout: float = Field(5.0, gt=0)
    """seconds until connected"""
    read_timeout: float = Field(10.0, gt=0)
    """seconds; after it the outcome is unknown"""
    attempts: int = Field(3, ge=1, le=10)
    """tries, only after answers that prove nothing was accepted"""
    retry_wait: float = Field(1.0, ge=0)
    """seconds before the second try; doubles"""
    parallel: int = Field(8, ge=1, le=32)
    """bookings whose messages are sent at the same time"""


class ChannelSettings(Section):
    """A way to the owner."""

    timeout: float = Field(10.0, gt=0)
    """seconds until connected, and until an answer"""
    attempts: int = Field(3, ge=1, le=10)
    """tries when asked to wait"""
    retry_wait: float = Field(1.0, ge=0)
    """seconds before the second try when not told; doubles"""
    max_wait: float = Field(60.0, ge=0)
    """seconds; asked to wait longer, the message is given up"""


class TelegramSettings(ChannelSettings):
    """Telegram: the owner's summary and alerts."""

    url: Url = "https://api.telegram.org"
    """the Bot API"""
    bot_token: Secret
    """the bot's token"""
    # JSON of a secret or block has it as a number.
    chat_id: str = Field(pattern=r"^(-?[0-9]+|@[A-Za-z0-9_]+)$", coerce_numbers_to_str=True)
    """the owner's chat, like -1000000000000 or @name"""


class SlackSettings(ChannelSettings):
    """Slack: a second place for summaries; switched on in rules/notifications.yaml."""

    webhook_url: SecretUrl | None = None
    """the incoming webhook"""


def _urls_in(tree: Section, above: str = "") -> Iterator[tuple[str, str | None]]:
    """List the settings whose type is a URL that we call, whatever they are named."""
    for name, field in type(tree).model_fields.items():
        value = getattr(tree, name)
        if isinstance(value, Section):
            yield from _urls_in(value, f"{above}{name}.")
        elif is_url(field.annotation, field.metadata):
            opened = value.get_secret_value() if isinstance(value, SecretStr) else value
            yield f"{above}{name}", opened


class Settings(Section):
    """Everything a run must know before its first outside call."""

    language: Literal["", "ko", "en"] = ""
    """what commands and mistakes are written in: ko or en; empty: as the locale says"""
    stores_file: Path = Path("deployments/stores.yaml")
    """the stores"""
    rules_dir: Path = Path("rules")
    """rules, templates, fields, notifications"""
    report_dir: Path | None = None
    """also write every run's report, summary document and page for the owner there"""
    report_link: Link | None = None
    """where a browser finds that folder; the owner's digest links its page today.html"""
    clock: ClockSettings = Field(default_factory=ClockSettings)
    naver: NaverSettings
    sens: SensSettings
    telegram: TelegramSettings
    slack: SlackSettings = Field(default_factory=SlackSettings)
    aws: AwsSettings = Field(default_factory=AwsSettings)
    ledger: LedgerSettings = Field(default_factory=LedgerSettings)
    breaker: BreakerSettings = Field(default_factory=BreakerSettings)
    caps: CapSettings = Field(default_factory=CapSettings)
    prices: PriceSettings = Field(default_factory=PriceSettings)
    reconcile: ReconcileSettings = Field(default_factory=ReconcileSettings)
    quality: QualitySettings = Field(default_factory=QualitySettings)
    watchdog: WatchdogSettings = Field(default_factory=WatchdogSettings)
    thresholds: ThresholdSettings = Field(default_factory=ThresholdSettings)
    document: DocumentSettings = Field(default_factory=DocumentSettings)
    cutover: CutoverSettings = Field(default_factory=CutoverSettings)
    capture: CaptureSettings = Field(default_factory=CaptureSettings)
    parity: ParitySettings = Field(default_factory=ParitySettings)
    retention: RetentionSettings = Field(default_factory=RetentionSettings)
    access: dict[str, dict[str, Secret]] = Field(default_factory=dict)
    """access data for the guides, JSON: {"1051707": {"door_code": "..."}}"""

    def outside_urls(self) -> dict[str, str]:
        """List every URL that a run may call, by setting name; AWS itself counts as https://aws."""
        urls = dict(_urls_in(self))
        urls["aws.endpoint_url"] = self.aws.endpoint_url or "https://aws"
        return {name: url or "http://127.0.0.1" for name, url in urls.items()}  # empty: not called

    @model_validator(mode="after")
    def _a_simulated_clock_stays_on_loopback(self) -> Settings:
        if self.clock.offset_seconds:
            real = [
                n
                for n, url in self.outside_urls().items()
                if urlsplit(url).hostname not in LOOPBACK
            ]
            if real:
                raise ValueError(
                    "clock.offset_seconds is for simulations, but these settings lead to the real "
                    f"world: {', '.join(real)}; unset NAVERPLACE_CLOCK__OFFSET_SECONDS"
                )
        return self

    def make_clock(self) -> Clock:
        """Make the clock that the run decides by."""
        return Clock(timedelta(seconds=self.clock.offset_seconds))
