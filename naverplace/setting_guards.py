"""Settings of what stands between a decision and a phone: the ledger and the quality gates."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from naverplace.setting_types import Section


class LedgerSettings(Section):
    """The ledger: how long a doubt lasts, and how long a run may hold a store."""

    send_seconds: float = Field(
        60.0, gt=0, description="a send begins at most this long after its claim"
    )
    settle_seconds: float = Field(
        120.0, ge=0, description="until an accepted message is certain to stand in SENS's log"
    )
    lease_seconds: float = Field(
        180.0,
        gt=0,
        description="a run that is silent this long has lost the store it was sending for",
    )
    fresh_seconds: float = Field(
        300.0,
        ge=0,
        description="a booking read longer ago is read again before its door code goes out",
    )


class QualitySettings(Section):
    """Quality gates."""

    max_bad_share: float = Field(
        0.3, ge=0, le=1, description="a store with a larger share of bad rows is stopped"
    )
    min_rows_for_share: int = Field(5, ge=1, description="fewer rows never stop a store")
    past_days: int = Field(400, ge=1, description="a start further back is implausible")
    future_days: int = Field(400, ge=1, description="a start further ahead is implausible")
    docs_dir: Path = Field(
        Path(".naverplace/data-docs"), description="where Great Expectations writes its Data Docs"
    )
