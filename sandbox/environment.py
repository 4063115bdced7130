"""The variables that point the library at a sandbox; all credentials are invented."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.aws import SECRET_ID
from sandbox.credentials import access_codes
from sandbox.state import World


def environment(
    world: World, urls: Mapping[str, str], *, secrets_in_manager: bool = False
) -> dict[str, str]:
    """List NAVERPLACE_* and AWS_* for this world as it is now."""
    variables = {
        "NAVERPLACE_CLOCK__OFFSET_SECONDS": repr(world.offset.total_seconds()),
        "NAVERPLACE_NAVER__NID_URL": urls["nid"],
        "NAVERPLACE_NAVER__WWW_URL": urls["www"],
        "NAVERPLACE_NAVER__SMARTPLACE_URL": urls["smartplace"],
        "NAVERPLACE_NAVER__PARTNER_URL": urls["partner"],
        "NAVERPLACE_SENS__URL": urls["sens"],
        "NAVERPLACE_SENS__SERVICE_ID": world.sens.service_id,
        "NAVERPLACE_SENS__DEFAULT_SENDER": world.sens.default_sender,
        "NAVERPLACE_TELEGRAM__URL": urls["telegram"],
        "NAVERPLACE_TELEGRAM__CHAT_ID": world.bot.chat_id,
        "NAVERPLACE_AWS__REGION": world.aws.region,
        "NAVERPLACE_AWS__ENDPOINT_URL": urls["aws"],
        "AWS_ACCESS_KEY_ID": world.aws.access_key_id,
        "AWS_SECRET_ACCESS_KEY": world.aws.secret_access_key,
        "AWS_DEFAULT_REGION": world.aws.region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    if secrets_in_manager:
        return {**variables, "NAVERPLACE_AWS__SECRET_ID": SECRET_ID}
    for section, values in secret_tree(world, urls).items():
        if section == "access":
            variables["NAVERPLACE_ACCESS"] = json.dumps(values, ensure_ascii=False)
            continue
        for name, value in values.items():
            variables[f"NAVERPLACE_{section}__{name}".upper()] = value
    return variables


def secret_tree(world: World, urls: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Give the secret settings as one tree, in the shape of the library's settings."""
    return {
        "naver": {"username": world.account.username, "password": world.account.password},
        "sens": {"access_key": world.sens.access_key, "secret_key": world.sens.secret_key},
        "telegram": {"bot_token": world.bot.token},
        "slack": {"webhook_url": urls["slack"] + world.hook.path},
        "access": access_codes(),
    }
