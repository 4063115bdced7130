"""One line by which CloudWatch learns the figures of a run; pure.

The format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from datetime import datetime

from naverplace.reporting.document import DocumentView
from naverplace.reporting.report import RunReport

NAMESPACE = "NaverPlace"
MEASURED = {  # by field of Measured
    "total_seconds": "TotalSeconds",
    "booking_api_seconds": "BookingApiSeconds",
    "dynamodb_seconds": "DynamoDbSeconds",
    "sms_seconds": "SmsSeconds",
    "notification_seconds": "NotificationSeconds",
}
UNITS = {
    **dict.fromkeys(MEASURED.values(), "Seconds"),
    "MemoryMegabytes": "Megabytes",
    **dict.fromkeys(("Problems", "Successes", "Messages", "Quarantined"), "Count"),
}


def metrics_line(report: RunReport) -> str:
    """Write a run's figures as one line of embedded metrics; what nobody measured is left out.

    No dimensions: an alarm must see the runs of every door, also after the door was changed.
    """
    measured = DocumentView(report).measured
    values: dict[str, float | None] = {
        **{metric: getattr(measured, name) for name, metric in MEASURED.items()},
        "MemoryMegabytes": measured.memory_mb,
        "Problems": len(report.problems) + len(report.contradictions),
        "Successes": int(report.status == "success" and not report.dry_run),
        "Messages": sum(report.messages.values()),
        "Quarantined": report.quarantined,
    }
    known = {name: round(value, 3) for name, value in values.items() if value is not None}
    metrics = [{"Name": name, "Unit": UNITS[name]} for name in known]
    described = {"Namespace": NAMESPACE, "Dimensions": [[]], "Metrics": metrics}
    at = round(datetime.fromisoformat(report.started or report.now).timestamp() * 1000)
    head = {"_aws": {"Timestamp": at, "CloudWatchMetrics": [described]}}
    return json.dumps({**head, **known, "run_id": report.run_id, "door": report.door})
