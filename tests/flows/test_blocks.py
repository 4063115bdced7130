"""Settings that an operator keeps in a Prefect block, of Prefect's own kind or of prefect-aws."""

from __future__ import annotations

import json

import pytest
from prefect.blocks.system import Secret
from prefect_aws import AwsCredentials, AwsSecret
from prefect_aws.client_parameters import AwsClientParameters
from pydantic import SecretStr

from naverplace.base.errors import SettingsError
from naverplace.settings.loader import load_settings
from sandbox.aws import SECRET_ID
from sandbox.environment import secret_tree
from sandbox.server import Sandbox
from tasks.settings import BLOCK_VARIABLE, open_settings

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_client_settings")]


@pytest.fixture
def bare_env(world: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The sandbox's variables without a single secret among them."""
    for name, value in world.environment(secrets_in_manager=True).items():
        if name != "NAVERPLACE_AWS__SECRET_ID":
            monkeypatch.setenv(name, value)
    return world


def test_a_secret_block_fills_what_the_environment_leaves_out(
    bare_env: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = secret_tree(bare_env.world, bare_env.urls)
    Secret(value=SecretStr(json.dumps(tree))).save("naverplace", overwrite=True)
    monkeypatch.setenv(BLOCK_VARIABLE, "secret/naverplace")

    assert open_settings() == load_settings(env=bare_env.environment(), env_file=None)


def test_an_aws_secret_block_reads_secrets_manager(
    bare_env: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = bare_env.world.aws
    credentials = AwsCredentials(
        aws_access_key_id=account.access_key_id,
        aws_secret_access_key=SecretStr(account.secret_access_key),
        region_name=account.region,
        aws_client_parameters=AwsClientParameters(endpoint_url=bare_env.urls["aws"]),
    )
    block = AwsSecret(aws_credentials=credentials, secret_name=SECRET_ID)
    block.save("naverplace", overwrite=True)
    monkeypatch.setenv(BLOCK_VARIABLE, "aws-secret/naverplace")

    assert open_settings() == load_settings(env=bare_env.environment(), env_file=None)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("secret/no-such-block", "no such block, or not JSON"),
        ("vault/naverplace", "must be one of secret, aws-secret"),
        ("secret/broken", "no such block, or not JSON"),
        ("secret/list", "must hold a JSON object"),
    ],
)
def test_a_wrong_block_is_named_and_not_quoted(
    bare_env: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    Secret(value=SecretStr("{canary")).save("broken", overwrite=True)
    Secret(value=SecretStr('["canary"]')).save("list", overwrite=True)
    monkeypatch.setenv(BLOCK_VARIABLE, name)

    with pytest.raises(SettingsError, match=words) as refused:
        open_settings()

    assert "canary" not in str(refused.value)
