"""The whole document, section by section."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from naverplace.reporting.document.customer_impact import customer_impact, integration
from naverplace.reporting.document.execution_flow import execution_flow
from naverplace.reporting.document.invocation import headline, invocation
from naverplace.reporting.document.metrics import log_analysis, performance
from naverplace.reporting.document.verdict import (
    cross_checks,
    footer,
    issues,
    legacy_comparison,
    next_steps,
    verdict,
)
from naverplace.reporting.document.view import View
from naverplace.reporting.report import RunReport

SECTIONS = (
    headline,
    invocation,
    execution_flow,
    integration,
    customer_impact,
    performance,
    log_analysis,
    cross_checks,
    legacy_comparison,
    issues,
    verdict,
    next_steps,
    footer,
)


def render(report: RunReport, *, parity: Mapping[str, Any] | None = None) -> str:
    """Write the run's document in Markdown; FAILED when any two of its figures contradict."""
    view = View(report, parity)
    return "\n\n---\n\n".join(section(view) for section in SECTIONS) + "\n"
