"""Settings of the switch between the legacy and us."""

from __future__ import annotations

from pydantic import Field

from naverplace.base.setting_types import Section


class CutoverSettings(Section):
    """The switch: who sends for which store while the legacy is replaced (docs/switch.md)."""

    default_owner: str = Field(
        "new",
        pattern="^(legacy|shadow|new)$",
        description="who sends for a store that nobody has switched yet; "
        "set it to legacy before the first run when a legacy is running",
    )
    legacy_rule: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        description="the EventBridge rule that starts the legacy; the last cut-over disables it",
    )
    legacy_run_seconds: float = Field(
        900.0,
        gt=0,
        description="no run of the legacy lasts longer (its Lambda time-out; at most 900)",
    )
    lead_seconds: float = Field(
        2400.0,
        gt=0,
        description="beside the legacy: what starts sooner is left to it; "
        "legacy_run_seconds, the time between two of our runs, and some minutes",
    )
    go_max_age_hours: float = Field(
        72.0, gt=0, description="an older verdict of the comparison allows no cut-over"
    )
