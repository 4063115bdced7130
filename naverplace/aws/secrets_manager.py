"""Reading the settings that are kept in AWS Secrets Manager."""

from __future__ import annotations

import json
from typing import Any

from naverplace.aws.config import AwsSettings, client_options
from naverplace.aws.errors import translated
from naverplace.base.errors import BadResponse


def read_secret(secret_id: str, *, aws: AwsSettings) -> dict[str, Any]:
    """Read a secret that holds settings as a JSON object, in the shape of the settings tree.

    Raises Transient when AWS cannot be reached, Permanent when it says no, BadResponse
    when the secret is no JSON object; none of them quotes the secret.
    """
    import boto3  # most commands read no secret

    from naverplace.aws.deadlines import set_deadline

    where = f"AWS Secrets Manager, secret {secret_id!r} in {aws.region}"
    with translated(where, "does it exist, and may we?"):
        client = boto3.client("secretsmanager", **client_options(aws))
        set_deadline(client)
        answer = client.get_secret_value(SecretId=secret_id)
    value = answer.get("SecretString")
    if value is None:
        raise BadResponse(f"{where}: holds bytes; store the JSON as text")
    try:
        tree = json.loads(value)
    except ValueError:
        # The decoder's error quotes what it read.
        raise BadResponse(f"{where}: is not JSON") from None
    if not isinstance(tree, dict):
        raise BadResponse(f'{where}: must be a JSON object like {{"naver": {{...}}}}')
    return tree
