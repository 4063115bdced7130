"""The one typed tree of settings; `load_settings` in `naverplace.settings.loader` fills it.

The text below a field becomes its comment in `.env.example`.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from naverplace.aws.config import AwsSettings
from naverplace.base.clock import Clock
from naverplace.base.setting_types import LOOPBACK, Digits, Secret, SecretUrl, Section, Url
from naverplace.settings.sections import (
    BreakerSettings,
    CaptureSettings,
    CutoverSettings,
    DocumentSettings,
    LedgerSettings,
    ParitySettings,
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
    max_days_per_request: int = Field(30, ge=1, le=31)
    """longer ranges are split; Naver refuses more than 31 days"""
    completed_lookback_days: int = Field(31, ge=1, le=366)
    """how far back completed bookings (RC08) are read"""
    connect_timeout: float = Field(5.0, gt=0)
    """seconds until connected"""
    read_timeout: float = Field(20.0, gt=0)
    """seconds until an answer"""
    attempts: int = Field(3, ge=1, le=10)
    """tries of one question before the store counts as failed"""
    retry_wait: float = Field(1.0, ge=0)
    """seconds before the second try; doubles"""
    pause_seconds: float = Field(0.2, ge=0)
    """between two requests of one store (the legacy waited 1 s a store)"""
    parallel_stores: int = Field(2, ge=1, le=16)
    """stores read at the same time"""
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
    connect_timeout: float = Field(5.0, gt=0)
    """seconds until connected"""
    read_timeout: float = Field(10.0, gt=0)
    """seconds; after it the outcome is unknown"""
    attempts: int = Field(3, ge=1, le=10)
    """tries, only after answers that prove nothing was accepted"""
    retry_wait: float = Field(1.0, ge=0)
    """seconds before the second try; doubles"""


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


class Settings(Section):
    """Everything a run must know before its first outside call."""

    stores_file: Path = Path("deployments/stores.yaml")
    """the stores"""
    rules_dir: Path = Path("rules")
    """rules, templates, fields, notifications"""
    report_dir: Path | None = None
    """also write every run's report and summary document there"""
    clock: ClockSettings = Field(default_factory=ClockSettings)
    naver: NaverSettings
    sens: SensSettings
    telegram: TelegramSettings
    slack: SlackSettings = Field(default_factory=SlackSettings)
    aws: AwsSettings = Field(default_factory=AwsSettings)
    ledger: LedgerSettings = Field(default_factory=LedgerSettings)
    breaker: BreakerSettings = Field(default_factory=BreakerSettings)
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
        sections = {name: part for name, part in self if isinstance(part, Section)}
        urls = {
            f"{name}.{key}": value.get_secret_value() if isinstance(value, SecretStr) else value
            for name, section in sections.items()
            for key, value in section
            if key == "url" or key.endswith("_url")
        }
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
