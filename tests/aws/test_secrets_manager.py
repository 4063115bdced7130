"""Secrets Manager, in the sandbox: what is read, and what each failure is called."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import boto3
import pytest

from naverplace.aws.config import AwsSettings
from naverplace.aws.secrets_manager import read_secret
from naverplace.base.errors import BadResponse, Permanent, ServiceUnavailable
from sandbox.faults import Fault
from sandbox.server import Sandbox

NAME = "shop/canaries"


@pytest.fixture
def aws(world: Sandbox) -> AwsSettings:
    return AwsSettings(
        endpoint_url=world.urls["aws"], attempts=1, connect_timeout=2, read_timeout=2
    )


def store(aws: AwsSettings, **content: str | bytes) -> None:
    client = boto3.client("secretsmanager", region_name=aws.region, endpoint_url=aws.endpoint_url)
    client.create_secret(Name=NAME, **content)  # type: ignore[arg-type]


def test_a_secret_is_read_as_a_tree(aws: AwsSettings) -> None:
    tree = {"naver": {"password": 'can"ary\\+/'}, "access": {"1051707": {"door_code": "1*#"}}}
    store(aws, SecretString=json.dumps(tree))

    assert read_secret(NAME, aws=aws) == tree


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"SecretString": "{canary"}, "is not JSON"),
        ({"SecretString": "canary-of-one-password"}, "is not JSON"),
        ({"SecretString": '["canary"]'}, "must be a JSON object"),
        ({"SecretString": '"canary"'}, "must be a JSON object"),
        ({"SecretBinary": b"canary"}, "holds bytes"),
    ],
)
def test_a_secret_of_another_shape_is_refused_unquoted(
    aws: AwsSettings, content: dict[str, str | bytes], words: str
) -> None:
    store(aws, **content)

    with pytest.raises(BadResponse, match=words) as refused:
        read_secret(NAME, aws=aws)

    assert NAME in str(refused.value)
    assert "canary" not in str(refused.value).replace(NAME, "")
    assert refused.value.__cause__ is None


def test_a_secret_that_is_not_there_is_named(aws: AwsSettings) -> None:
    with pytest.raises(Permanent, match="'no/such' in ap-northeast-2: refused with ResourceNotFo"):
        read_secret("no/such", aws=aws)


@pytest.mark.parametrize("kind", ["status:500", "status:503", "drop_before"])
def test_a_service_that_is_down_is_unavailable(world: Sandbox, aws: AwsSettings, kind: str) -> None:
    world.world.faults.append(Fault("aws", match="GetSecretValue", kind=kind, times=None))

    with pytest.raises(ServiceUnavailable) as failed:
        read_secret(NAME, aws=aws)

    assert failed.value.__cause__ is not None


def test_a_passing_failure_is_got_over(world: Sandbox, aws: AwsSettings) -> None:
    store(aws, SecretString="{}")
    world.world.faults.append(Fault("aws", match="GetSecretValue", kind="status:503", times=1))

    assert read_secret(NAME, aws=aws.model_copy(update={"attempts": 3})) == {}


def test_a_port_where_nobody_listens_is_unavailable(aws: AwsSettings) -> None:
    with pytest.raises(ServiceUnavailable, match="not reached"):
        read_secret(NAME, aws=aws.model_copy(update={"endpoint_url": "http://127.0.0.1:1"}))


@pytest.fixture
def no_credentials(world: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take away what the fixture `world` has given."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


@pytest.mark.usefixtures("no_credentials")
def test_without_credentials_the_error_says_which(aws: AwsSettings) -> None:
    with pytest.raises(Permanent, match="we have no AWS credentials; give the machine a role"):
        read_secret(NAME, aws=aws)


@pytest.mark.usefixtures("no_credentials")
def test_a_profile_that_is_not_there_is_a_matter_of_credentials(
    aws: AwsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")

    with pytest.raises(Permanent, match="we have no AWS credentials"):
        read_secret(NAME, aws=aws)


def test_boto_at_its_most_talkative_shows_no_secret_and_none_of_its_work(
    aws: AwsSettings, caplog: pytest.LogCaptureFixture
) -> None:
    from naverplace.redaction import redactor

    redactor.attach()
    store(aws, SecretString=json.dumps({"naver": {"password": "never-learned-canary"}}))

    with caplog.at_level(logging.DEBUG):
        caplog.clear()
        read_secret(NAME, aws=aws)

    assert "Response body" not in caplog.text
    assert "never-learned" not in caplog.text
