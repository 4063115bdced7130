"""What the process of one run does: the real run, and nothing else."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any


def import_everything() -> None:
    """Import what a run needs, so that forks have it; no thread and no connection is made."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.disable(logging.CRITICAL)  # what is expected to fail fails a thousand times
    import boto3
    import great_expectations  # noqa: F401

    import naverplace.handler
    import naverplace.pipeline.local_runner  # noqa: F401

    # Reading DynamoDB's model takes a tenth of a second, and boto3 keeps it.
    boto3.client("dynamodb", "ap-northeast-2")


def run(order: Mapping[str, Any]) -> dict[str, Any]:
    """Do one run with the given environment, and return its report."""
    from naverplace.pipeline.local_runner import run_once
    from naverplace.settings.loader import load_settings
    from trials.campaign.bugs import plant

    env = dict(order["env"])
    os.environ.update({name: value for name, value in env.items() if name.startswith("AWS_")})
    if order.get("bug"):
        plant(str(order["bug"]))
    report = run_once(
        load_settings(env=env, env_file=None),
        run_id=str(order["run_id"]),
        door="lambda",
        only=list(order["stores"]),
    )
    return report.as_json()
