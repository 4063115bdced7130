"""Where and when the owner is told: what rules/notifications.yaml says."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Strict,
    StrictBool,
    WithJsonSchema,
    create_model,
    field_validator,
)
from pydantic import Field as Key

from naverplace.base.clock import SEOUL
from naverplace.base.translation import gettext as _
from naverplace.base.yaml_nodes import ErrorList, load_yaml
from naverplace.base.yaml_validation import YamlModel, validate_node
from naverplace.domain.effects import CHANNELS, Channel


class _Switch(YamlModel):
    enabled: StrictBool


_SWITCHES: dict[str, Any] = dict.fromkeys(CHANNELS, (_Switch, _Switch(enabled=False)))
_Channels = create_model("_Channels", __base__=YamlModel, **_SWITCHES)


def _clock_time(value: Any) -> Any:
    if not isinstance(value, str | time) or not re.fullmatch(r"\d\d:\d\d(:\d\d)?", str(value)):
        raise ValueError(_('should be a Korean time of day like "21:00"'))
    return value


ClockTime = Annotated[
    time,
    BeforeValidator(_clock_time),
    WithJsonSchema({"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$"}),
]


class When(StrEnum):
    """After which runs a summary is due."""

    CHANGES = "changes"  # messages went out: collected, and one digest a day
    ALWAYS = "always"  # every run, as the legacy (L20)
    DAILY = "daily"  # the digest and nothing else


class Summary(YamlModel):
    """When the owner is told what runs have done; alerts keep to none of this."""

    channels: tuple[Channel, ...] = CHANNELS
    """where summaries are told, as far as the channel is on"""
    when: When = When.CHANGES
    """changes: when messages went out; always: after every run; daily: the digest only"""
    every_hours: Annotated[float, Strict(), Key(ge=1, le=24)] = 3
    """at most one summary in so long; what went out meanwhile is collected"""
    digest_at: ClockTime = time(21)
    """when the day's balance is told"""
    quiet: tuple[ClockTime, ClockTime] = (time(22), time(8))
    """from, until: no summary; alerts are told at any hour"""

    @field_validator("quiet")
    @classmethod
    def _leaves_the_digest(cls, value: tuple[time, time], info: Any) -> tuple[time, time]:
        if _within(info.data.get("digest_at", value[1]), value):
            raise ValueError(_("holds the time of digest_at, so there would never be a digest"))
        return value

    def is_quiet(self, now: datetime) -> bool:
        """Tell whether only alerts are told now."""
        return _within(now.astimezone(SEOUL).time(), self.quiet)

    def last_digest_before(self, now: datetime) -> datetime:
        """Give the last moment, not after now, at which a digest was due."""
        local = now.astimezone(SEOUL)
        at = datetime.combine(local.date(), self.digest_at, SEOUL)
        return at if at <= local else at - timedelta(days=1)


def _within(at: time, span: tuple[time, time]) -> bool:
    begin, end = span
    return begin <= at < end if begin <= end else at >= begin or at < end


class Routing(YamlModel):
    """What rules/notifications.yaml says."""

    channels: _Channels
    """which are on; one that is not named is off"""
    summary: Summary = Summary()
    alerts: Annotated[tuple[Channel, ...], Key(min_length=1)]
    """where it is told when something is wrong: at once, at any hour"""

    @field_validator("summary", mode="before")
    @classmethod
    def _may_be_its_channels(cls, value: Any) -> Any:
        return {"channels": value} if isinstance(value, list) else value

    @property
    def enabled(self) -> tuple[Channel, ...]:
        """List the channels that are on."""
        return tuple(name for name in CHANNELS if getattr(self.channels, name).enabled)

    def channels_for(self, *, alert: bool) -> tuple[Channel, ...]:
        """List the channels that get an alert, or a summary; each once, and only those on."""
        wanted = self.alerts if alert else self.summary.channels
        return tuple(dict.fromkeys(name for name in wanted if name in self.enabled))


def load_routing(path: Path, problems: ErrorList) -> Routing | None:
    """Read the routing; None, with its problems noted, when it is wrong."""
    node = load_yaml(path, problems)
    routing = validate_node(Routing, node, problems) if node else None
    if node and routing and not routing.channels_for(alert=True):
        place = node.value["alerts"].place
        words = _("no channel of the alerts is enabled: nobody would hear of a failure")
        problems.note(place, words)
    return routing
