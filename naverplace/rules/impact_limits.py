"""How much a change of the rules may change at once: rules/impact.yaml."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from naverplace.base.yaml_nodes import ErrorList, load_yaml
from naverplace.base.yaml_validation import YamlModel, validate_node

FILE = "impact.yaml"


class ImpactLimits(YamlModel):
    """What `naverplace rules impact` lets pass; None: as many as there are."""

    max_more: int | None = Field(None, ge=0, strict=True)
    max_fewer: int | None = Field(None, ge=0, strict=True)


class ImpactFile(YamlModel):
    """The whole file."""

    impact: ImpactLimits


def read_limits(rules_dir: Path, problems: ErrorList) -> ImpactLimits:
    """Read the limits, none when there is no file; mistakes are noted, not raised."""
    path = rules_dir / FILE
    node = load_yaml(path, problems) if path.exists() else None
    read = validate_node(ImpactFile, node, problems) if node else None
    return read.impact if read else ImpactLimits()
