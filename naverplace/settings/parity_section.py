"""Settings of parity: what is kept of a run, and what the comparison with the legacy goes by."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from naverplace.base.setting_types import Secret, Section

_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\w./-]*)?")
SHORTEST_KEY = 16  # signs; a shorter one could be found by trying


class CaptureSettings(Section):
    """Capture: a bundle of every run's inputs and decisions, under pseudonyms."""

    enabled: bool = Field(False, description="write a bundle of every run (docs/capture.md)")
    where: str = Field(
        ".naverplace/bundles", min_length=1, description="a folder, or s3://bucket/folder"
    )
    key: Secret | None = Field(
        None, description="makes the pseudonyms; 16 signs or more: openssl rand -hex 32"
    )
    keep_days: float = Field(
        30.0, gt=0, le=366, description="a bundle is removed after so many days"
    )

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

    legacy_texts: Path = Field(
        Path("deployments/legacy-texts.yaml"), description="the legacy's own texts (docs/parity.md)"
    )
    accepted: Path = Field(
        Path("deployments/accepted-differences.yaml"), description="what may differ, and why"
    )
    minimum_decisions: int = Field(
        100, ge=1, description="distinct decisions of each store and kind that a GO needs"
    )
    minimum_sent: int = Field(
        10, ge=0, description="messages of each store and kind that a GO needs"
    )
    report_dir: Path = Field(
        Path(".naverplace/parity"), description="where a comparison writes its report"
    )
    legacy_wait_seconds: float = Field(
        300.0, ge=0, le=1100, description="how long `observed` waits for the legacy's run to end"
    )
