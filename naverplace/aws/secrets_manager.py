"""Reading the settings that are kept in AWS Secrets Manager."""

from __future__ import annotations

import json
from typing import Any

import boto3
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)

from naverplace.aws.config import AwsSettings, client_options
from naverplace.base.errors import BadResponse, Permanent, ServiceUnavailable


def read_secret(secret_id: str, *, aws: AwsSettings) -> dict[str, Any]:
    """Read a secret that holds settings as a JSON object, in the shape of the settings tree.

    Raises ServiceUnavailable when AWS cannot be reached, Permanent when it says no, BadResponse
    when the secret is no JSON object; none of them quotes the secret.
    """
    where = f"AWS Secrets Manager, secret {secret_id!r} in {aws.region}"
    try:
        client = boto3.client("secretsmanager", **client_options(aws))
        answer = client.get_secret_value(SecretId=secret_id)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "?")
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
            raise ServiceUnavailable(f"{where}: failed with {code}") from error
        raise Permanent(f"{where}: refused with {code}; does it exist, and may we?") from error
    except (NoCredentialsError, PartialCredentialsError, ProfileNotFound) as error:
        raise Permanent(
            f"{where}: we have no AWS credentials; give the machine a role, or set "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        ) from error
    except (BotoCoreError, ValueError) as error:
        raise ServiceUnavailable(f"{where}: not reached ({type(error).__name__})") from error
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
