"""Every check of the audit, in the order in which a reader would make them."""

from __future__ import annotations

from naverplace.audit.claims import (
    check_issues,
    check_parity,
    check_unknowable,
    check_verdict,
)
from naverplace.audit.counts import check_counts
from naverplace.audit.findings import Audit, Finding, Kind
from naverplace.audit.limits import check_limits
from naverplace.audit.reading import Summary
from naverplace.audit.responses import check_responses
from naverplace.audit.shops import check_shops
from naverplace.audit.steps import check_steps
from naverplace.audit.tallies import check_tallies
from naverplace.audit.times import check_times

CHECKS = (
    check_counts,
    check_shops,
    check_tallies,
    check_times,
    check_steps,
    check_responses,
    check_limits,
    check_parity,
    check_issues,
    check_unknowable,
)


def audit(text: str) -> Audit:
    """Read a run summary, and compare every figure in it with what it should agree with."""
    summary = Summary(text)
    found: list[Finding] = [finding for check in CHECKS for finding in check(summary)]
    wrong = [finding for finding in found if finding.kind is Kind.CONTRADICTION]
    found += check_verdict(summary, wrong)
    return Audit(tuple(dict.fromkeys(found)))
