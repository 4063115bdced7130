"""The owner's channels: which are on, and which get summaries and alerts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StrictBool, create_model
from pydantic import Field as Key

from naverplace.base.yaml_nodes import ErrorList, load_yaml
from naverplace.base.yaml_validation import validate_node
from naverplace.domain.effects import CHANNELS, Channel


class _Switch(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: StrictBool


_SWITCHES: dict[str, Any] = dict.fromkeys(CHANNELS, (_Switch, ...))
_Channels = create_model(
    "_Channels", __config__=ConfigDict(extra="forbid", frozen=True), **_SWITCHES
)


class Routing(BaseModel):
    """What rules/notifications.yaml says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channels: _Channels
    summary: tuple[Channel, ...]
    alerts: Annotated[tuple[Channel, ...], Key(min_length=1)]

    @property
    def enabled(self) -> tuple[Channel, ...]:
        """List the channels that are on."""
        return tuple(name for name in CHANNELS if getattr(self.channels, name).enabled)

    def channels_for(self, *, alert: bool) -> tuple[Channel, ...]:
        """List the channels that get an alert, or a summary; each once, and only those on."""
        wanted = self.alerts if alert else self.summary
        return tuple(dict.fromkeys(name for name in wanted if name in self.enabled))


def load_routing(path: Path, problems: ErrorList) -> Routing | None:
    """Read the routing; None, with its problems noted, when it is wrong."""
    node = load_yaml(path, problems)
    routing = validate_node(Routing, node, problems) if node else None
    if node and routing and not routing.channels_for(alert=True):
        place = node.value["alerts"].place
        problems.note(place, "no channel of the alerts is enabled: nobody would hear of a failure")
    return routing
