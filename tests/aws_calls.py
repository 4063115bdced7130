"""What is really asked of AWS, as the actions and resources that a policy names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3

ACCOUNT, REGION = "123456789012", "ap-northeast-2"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/"
SECRET = "naverplace"  # its ARN ends in six signs that AWS chooses
ANOTHER_NAME = {"ListObjectsV2": "ListBucket"}  # S3 judges some calls by the name of another
Call = tuple[str, str]


@contextmanager
def recorded() -> Iterator[Counter[Call]]:
    """Count the calls of clients that are opened within, by (action, resource)."""
    calls: Counter[Call] = Counter()

    def note(params: Mapping[str, Any], model: Any, **_: Any) -> None:
        service = model.service_model.endpoint_prefix
        for resource in _resources(model.service_model.service_name, params):
            calls[f"{service}:{ANOTHER_NAME.get(model.name, model.name)}", resource] += 1

    boto3.setup_default_session()
    assert boto3.DEFAULT_SESSION is not None
    boto3.DEFAULT_SESSION.events.register("provide-client-params.*.*", note)
    try:
        yield calls
    finally:
        boto3.DEFAULT_SESSION = None


def _resources(service: str, params: Mapping[str, Any]) -> list[str]:
    where = f"{REGION}:{ACCOUNT}"
    if service == "dynamodb":
        tables = params.get("RequestItems") or [params["TableName"]]
        return [TABLE + name for name in tables]
    if service == "s3":
        inside = f"/{params['Key']}" if "Key" in params else ""
        return [f"arn:aws:s3:::{params['Bucket']}{inside}"]
    if service == "secretsmanager":
        return [f"arn:aws:secretsmanager:{where}:secret:{params['SecretId']}-AbCdEf"]
    if service == "events":
        return [f"arn:aws:events:{where}:rule/{params['Name']}"]
    raise AssertionError(f"{service} is a service that no policy here knows")
