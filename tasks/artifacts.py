"""What a person reads in the Prefect UI about a run; no secret and no full phone."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from naverplace.jobs.reconciliation.findings import Reconciliation
from naverplace.jobs.reconciliation.summary import reconciliation_page, rows_of
from naverplace.pipeline.notify_owner import document_of
from naverplace.quality.validation import ValidationResult
from naverplace.redaction.redactor import REDACTOR, describe
from naverplace.reporting.report import RunReport
from naverplace.reporting.summary import for_engineer

log = logging.getLogger(__name__)


def publish_report(report: RunReport) -> tuple[str, ...]:
    """Publish the summary page, the document and the verdicts; gives what went wrong."""
    report = REDACTOR.scrub_values(report)
    problems = [
        _publish(
            create_markdown_artifact,
            "run-summary",
            markdown=for_engineer(report),
            description="What this run saw, decided and did",
        ),
        _publish(
            create_markdown_artifact,
            "run-document",
            markdown=document_of(report) or "not written, see the log",
            description="The run's summary document, its sums cross-checked",
        ),
        _publish(
            create_table_artifact,
            "verdicts",
            table=list(report.verdicts),
            description="Why rules fired or did not, by the first condition that said no",
        ),
    ]
    return tuple(filter(None, problems))


def publish_quarantine(rows: Sequence[Mapping[str, Any]]) -> None:
    """Publish the rows that no message may be sent for, with their reasons."""
    _publish(
        create_table_artifact,
        "quarantine",
        table=_scrubbed(rows),
        description="Bookings with broken data: nothing is sent for them",
    )


def publish_quality(validated: ValidationResult) -> None:
    """Publish what the gates made of every store's rows, and which rules were broken how often."""
    rows = []
    for store in validated.stores:
        broken = Counter(reason for row in store.quarantined for reason in row.reasons)
        rows.append(
            {
                "store": store.store_id,
                "rows": store.rows,
                "good": len(store.good),
                "quarantined": len(store.quarantined),
                "stopped": store.reason if store.stopped else "",
                "broken rules": ", ".join(f"{name} ({n})" for name, n in broken.most_common()),
            }
        )
    _publish(
        create_table_artifact,
        "quality",
        table=_scrubbed(rows),
        description="What the quality gates made of every store's bookings",
    )


def publish_reconciliation(done: Reconciliation) -> None:
    """Publish the summary page and the table of findings, which is there even when it is empty."""
    _publish(
        create_markdown_artifact,
        "reconciliation",
        markdown=REDACTOR.scrub(reconciliation_page(done)),
        description="The ledger against SENS's own log",
    )
    _publish(
        create_table_artifact,
        "findings",
        table=_scrubbed(rows_of(done)),
        description="What does not match, and what did not arrive; docs/runbook.md says what to do",
    )


def _publish(create: Callable[..., Any], key: str, **values: Any) -> str:
    """Publish an artifact; gives what went wrong, for a page is no reason to halt a run."""
    try:
        create(key=key, **values)
    except Exception as error:
        log.exception("artifact %s", key)
        return f"artifact {key} was not published: {describe(error)}"
    return ""


def _scrubbed(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            name: REDACTOR.scrub(value) if isinstance(value, str) else value
            for name, value in row.items()
        }
        for row in rows
    ]
