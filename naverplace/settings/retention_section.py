"""Settings of retention: when personal data is removed."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from naverplace.base.setting_types import Section, StoreIds


class RetentionSettings(Section):
    """Retention: personal data older than this is removed (docs/privacy.md)."""

    days: float = Field(
        365.0,
        gt=90,  # SENS keeps its log for 90 days, and the ledger is compared with it
        le=3660,
        description="a booking is forgotten so many days after the last that happened with it",
    )
    history_days: float = Field(
        30.0,
        ge=1,
        le=366,
        description="reports, pages, logs and Prefect's history of runs are removed after so many "
        "days",
    )
    log_dir: Path | None = Field(
        None,
        description="the logs of this machine's processes, cut by the day; `make up` sets it",
    )
    closed_stores: StoreIds = Field(
        (),
        description="stores that nobody serves any more: their bookings go without asking Naver",
    )
