"""How any client of AWS reaches its service: region, endpoint, patience."""

from __future__ import annotations

from typing import Any

from botocore.config import Config

from naverplace.settings.schema import AwsSettings


def reached_by(aws: AwsSettings, *, attempts: int | None = None, **more: Any) -> dict[str, Any]:
    """Give what `boto3.client` takes besides the service's name; `more` goes into its Config.

    Throttling and network faults are retried within, `aws.attempts` times when not said otherwise.
    """
    config = Config(
        retries={"mode": "standard", "total_max_attempts": attempts or aws.attempts},
        connect_timeout=aws.connect_timeout,
        read_timeout=aws.read_timeout,
        **more,
    )
    return {"region_name": aws.region, "endpoint_url": aws.endpoint_url, "config": config}
