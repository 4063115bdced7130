"""Sections of the settings: ledger, quality, watchdog, documents, cutover, parity, retention."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from naverplace.base.setting_types import Secret, SecretUrl, Section, Senders, StoreIds

_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\w./-]*)?")
SHORTEST_KEY = 16  # signs; a shorter one could be found by trying


class LedgerSettings(Section):
    """The ledger: how long a doubt lasts, and how long a run may hold a store."""

    send_seconds: float = Field(60.0, gt=0)
    """a send begins at most this long after its claim"""
    settle_seconds: float = Field(120.0, ge=0)
    """until an accepted message is certain to stand in SENS's log"""
    lease_seconds: float = Field(180.0, gt=0)
    """a run that is silent this long has lost the store it was sending for"""
    expired_days: float = Field(7.0, ge=0)
    """how long after a start a message that was never accepted is still named"""
    fresh_seconds: float = Field(300.0, ge=0)
    """a booking read longer ago is read again before its door code goes out"""


class BreakerSettings(Section):
    """The breaker: which batch of a store is implausible, so that nothing is sent for it."""

    released: StoreIds = ()
    """stores that it never stops, like ["1051707"]; `naverplace release` is better"""
    min_new: int = Field(20, ge=1)
    """so many new ones in a store, or twice as many in all, and none of them known"""
    min_gone: int = Field(10, ge=1)
    """none, where so many bookings were that have not begun yet"""
    jump_factor: float = Field(10.0, gt=1)
    """so many times as many, or as few"""
    min_same_phones: int = Field(5, ge=2)
    """from so many bookings on: one phone"""


class CapSettings(Section):
    """The caps: how many messages may go out, whatever anything else says."""

    per_phone: int = Field(6, ge=1)
    """to one phone within 24 hours"""
    factor: float = Field(3.0, gt=1)
    """so many times the usual number of a store, in a run and on a day"""
    floor: int = Field(300, ge=1)
    """a store may always send so many in a run and on a day; new stores have nothing usual yet"""


class PriceSettings(Section):
    """What a text message costs; without prices nothing is said about costs."""

    sms: float = Field(0.0, ge=0)
    """won for one SMS (90 bytes), as the console of Naver Cloud says; 0: not known"""
    lms: float = Field(0.0, ge=0)
    """won for one LMS (2,000 bytes)"""
    since: date | None = None
    """the day from which on these prices hold; nothing is counted before it"""

    def on(self, day: date) -> dict[str, float]:
        """Give the won of each type of message that day; {} when they are not known."""
        if not (self.sms and self.lms) or (self.since and day < self.since):
            return {}
        return {"SMS": self.sms, "LMS": self.lms}


class ReconcileSettings(Section):
    """The reconciliation: the ledger against SENS's own log, once a day."""

    lag_seconds: float = Field(600.0, ge=0)
    """younger messages wait for the next one: SENS's log may lack them"""
    overlap_hours: float = Field(6.0, ge=0)
    """looked at once more, for what SENS's log shows late"""
    tail_days: float = Field(3.0, gt=0, le=30)
    """an accepted message without a result is followed so long"""
    known_senders: Senders = ()
    """sender numbers with which others may send, like 031-000-0000, 031-000-0001"""
    legacy_sends: bool = False
    """true while the legacy still sends with the same SENS service"""


class WatchdogSettings(Section):
    """The watchdog: what is late, and who is told when nobody looks any more."""

    overdue_minutes: float = Field(10.0, gt=0)
    """a message that is due longer than this and not out is late"""
    silent_minutes: float = Field(30.0, gt=0)
    """no run has read a store for so long: from one run to the next, and overdue_minutes"""
    ping_url: SecretUrl | None = None
    """an outside dead-man's URL, asked after every watch, unless a trouble could not be told"""


class QualitySettings(Section):
    """Quality gates."""

    max_bad_share: float = Field(0.3, ge=0, le=1)
    """a store with a larger share of bad rows is stopped"""
    min_rows_for_share: int = Field(5, ge=1)
    """fewer rows never stop a store"""
    past_days: int = Field(400, ge=1)
    """a start further back is implausible"""
    future_days: int = Field(400, ge=1)
    """a start further ahead is implausible"""


class ThresholdSettings(Section):
    """The thresholds of one run, shown in its summary document."""

    total_seconds: float = Field(300.0, gt=0)
    """the whole run"""
    booking_api_seconds: float = Field(60.0, gt=0)
    """reading the bookings of all stores"""
    dynamodb_seconds: float = Field(5.0, gt=0)
    """answers of DynamoDB"""
    sms_seconds: float = Field(30.0, gt=0)
    """handing the messages to SENS"""
    notification_seconds: float = Field(5.0, gt=0)
    """telling the owner"""
    memory_mb: float = Field(512.0, gt=0)
    """peak memory of the process"""
    memory_share: float = Field(0.5, ge=0, lt=1)
    """more than this share of the allocated memory is used"""


class DocumentSettings(Section):
    """The summary document that every run writes."""

    check_log: bool = True
    """look up in table and SENS's log what the run has sent (one question)"""
    allocated_mb: float | None = Field(None, gt=0)
    """memory given to the process; AWS Lambda tells it by itself"""
    metrics_line: bool = False
    """print every run's figures as a line that CloudWatch makes metrics of"""


class CutoverSettings(Section):
    """The switch: who sends for which store while the legacy is replaced (docs/switch.md)."""

    default_owner: str = Field("new", pattern="^(legacy|shadow|new)$")
    """who sends for a store nobody has switched; set it to legacy first when a legacy is running"""
    legacy_rule: str | None = Field(None, pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    """the EventBridge rule that starts the legacy; the last cut-over disables it"""
    legacy_run_seconds: float = Field(900.0, gt=0)
    """no run of the legacy lasts longer (its Lambda time-out; at most 900)"""
    lead_seconds: float = Field(2400.0, gt=0)
    """what starts sooner is left to the legacy: legacy_run_seconds, our interval, some minutes"""
    go_max_age_hours: float = Field(72.0, gt=0)
    """an older verdict of the comparison allows no cut-over"""


class CaptureSettings(Section):
    """Capture: a bundle of every run's inputs and decisions, under pseudonyms."""

    enabled: bool = False
    """write a bundle of every run (docs/capture.md)"""
    where: str = Field(".naverplace/bundles", min_length=1)
    """a folder, or s3://bucket/folder"""
    key: Secret | None = None
    """makes the pseudonyms; 16 signs or more: openssl rand -hex 32"""
    keep_days: float = Field(30.0, gt=0, le=366)
    """a bundle is removed after so many days"""

    @field_validator("where")
    @classmethod
    def _is_a_place(cls, value: str) -> str:
        if "://" in value and not _BUCKET.fullmatch(value):
            raise ValueError("must be a folder, or like s3://bucket/folder")
        return value

    @model_validator(mode="after")
    def _has_a_key(self) -> CaptureSettings:
        if self.key and len(self.key.get_secret_value()) < SHORTEST_KEY:
            raise ValueError(f"capture.key must have {SHORTEST_KEY} signs or more")
        if self.enabled and not self.key:
            raise ValueError(
                "capture.enabled needs capture.key, or phones could be found by trying: "
                "set NAVERPLACE_CAPTURE__KEY, or NAVERPLACE_CAPTURE__ENABLED=false"
            )
        return self


class ParitySettings(Section):
    """Comparing with the legacy."""

    legacy_texts: Path = Path("deployments/legacy-texts.yaml")
    """the legacy's own texts (docs/parity.md)"""
    accepted: Path = Path("deployments/accepted-differences.yaml")
    """what may differ, and why"""
    minimum_decisions: int = Field(100, ge=1)
    """distinct decisions of each store and kind that a GO needs"""
    minimum_sent: int = Field(10, ge=0)
    """messages of each store and kind that a GO needs"""
    report_dir: Path = Path(".naverplace/parity")
    """where a comparison writes its report"""
    legacy_wait_seconds: float = Field(300.0, ge=0, le=1100)
    """how long `observed` waits for the legacy's run to end"""


class RetentionSettings(Section):
    """Retention: personal data older than this is removed (docs/privacy.md)."""

    # SENS keeps its log for 90 days, and the ledger is compared with it.
    days: float = Field(365.0, gt=90, le=3660)
    """a booking is forgotten so many days after the last that happened with it"""
    history_days: float = Field(30.0, ge=1, le=366)
    """reports, pages, logs and Prefect's history of runs are removed after so many days"""
    log_dir: Path | None = None
    """the logs of this machine's processes, cut by the day; `make up` sets it"""
    closed_stores: StoreIds = ()
    """stores that nobody serves any more: their bookings go without asking Naver"""
