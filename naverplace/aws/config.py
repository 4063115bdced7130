"""How any client of AWS reaches its service: region, endpoint, patience."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from naverplace.base.setting_types import Section, Url

_TABLE = r"^[A-Za-z0-9_.-]{3,255}$"  # what DynamoDB takes


class AwsSettings(Section):
    """AWS: DynamoDB and Secrets Manager; keys come from boto3's own chain, never from here."""

    region: str = Field("ap-northeast-2", pattern=r"^[a-z]+(-[a-z]+)+-[0-9]+$")
    """the legacy's region"""
    endpoint_url: Url | None = None
    """another endpoint than AWS, such as the sandbox"""
    sms_table: str = Field("sms", pattern=_TABLE)
    """the legacy's table of bookings and flags"""
    session_table: str = Field("session", pattern=_TABLE)
    """the legacy's table of cookies (L1)"""
    secret_id: str | None = None
    """a Secrets Manager secret, JSON of this tree: {"naver": {"password": "..."}}"""
    connect_timeout: float = Field(5.0, gt=0)
    """seconds until connected"""
    read_timeout: float = Field(10.0, gt=0)
    """seconds until an answer"""
    attempts: int = Field(8, ge=1, le=20)
    """tries when DynamoDB throttles"""


def client_options(aws: AwsSettings, *, attempts: int | None = None, **more: Any) -> dict[str, Any]:
    """Give what `boto3.client` takes besides the service's name; `more` goes into its Config.

    Throttling and network faults are retried within, `aws.attempts` times when not said otherwise.
    """
    from botocore.config import Config  # what only reads the settings needs none

    config = Config(
        retries={"mode": "standard", "total_max_attempts": attempts or aws.attempts},
        connect_timeout=aws.connect_timeout,
        read_timeout=aws.read_timeout,
        **more,
    )
    return {"region_name": aws.region, "endpoint_url": aws.endpoint_url, "config": config}
