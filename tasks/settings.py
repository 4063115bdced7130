"""Settings for flows: the same tree, plus values that an operator keeps in a Prefect block."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from naverplace.base.errors import SettingsError
from naverplace.redaction import redactor
from naverplace.settings.loader import load_settings
from naverplace.settings.schema import Settings

BLOCK_VARIABLE = (
    "NAVERPLACE_PREFECT_BLOCK"  # such as `secret/naverplace` or `aws-secret/naverplace`
)


def open_settings() -> Settings:
    """Load the settings; the block named by NAVERPLACE_PREFECT_BLOCK fills what else is missing."""
    redactor.attach()  # before the block is read
    name = os.environ.get(BLOCK_VARIABLE, "")
    return load_settings(block_values=read_block(name) if name else None)


def read_block(name: str) -> Mapping[str, Any]:
    """Read a `secret/...` or `aws-secret/...` block that holds the tree as JSON.

    Raises SettingsError, without the block's content, when there is no such block.
    """
    kind, _, slug = name.partition("/")
    try:
        value = _READERS[kind](slug)
        tree = json.loads(value) if isinstance(value, str | bytes) else value
    except KeyError:
        raise SettingsError(
            [f"{BLOCK_VARIABLE}={name}: the kind must be one of {', '.join(_READERS)}"]
        ) from None
    except ValueError as error:
        problem = f"{BLOCK_VARIABLE}={name}: {type(error).__name__}: no such block, or not JSON"
        raise SettingsError([problem]) from None
    if not isinstance(tree, Mapping):
        raise SettingsError([f"{BLOCK_VARIABLE}={name}: must hold a JSON object of settings"])
    return tree


def _read_secret(slug: str) -> Any:
    from prefect.blocks.system import Secret

    return Secret.load(slug).get()  # type: ignore[union-attr]


def _read_aws_secret(slug: str) -> Any:
    # Importing prefect_aws takes seconds, so only who uses such a block pays for it.
    from prefect_aws import AwsSecret

    return AwsSecret.load(slug).read_secret()  # type: ignore[union-attr]


_READERS = {"secret": _read_secret, "aws-secret": _read_aws_secret}
