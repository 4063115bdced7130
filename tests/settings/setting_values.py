"""Settings that are enough for a real run, with invented values, for the tests of settings."""

from __future__ import annotations

import pytest

from naverplace.base.errors import SettingsError
from naverplace.settings.loader import load_settings
from naverplace.settings.schema import Settings

REAL = {
    "NAVERPLACE_NAVER__USERNAME": "owner",
    "NAVERPLACE_NAVER__PASSWORD": "pass-word-canary",
    "NAVERPLACE_SENS__SERVICE_ID": "ncp:sms:kr:000000000000:shop",
    "NAVERPLACE_SENS__ACCESS_KEY": "access-key-canary",
    "NAVERPLACE_SENS__SECRET_KEY": "secret-key-canary",
    "NAVERPLACE_SENS__DEFAULT_SENDER": "031-000-0000",
    "NAVERPLACE_TELEGRAM__BOT_TOKEN": "1:token-canary",
    "NAVERPLACE_TELEGRAM__CHAT_ID": "-1",
}


def load(**changes: str | None) -> Settings:
    env = {name: value for name, value in {**REAL, **changes}.items() if value is not None}
    return load_settings(env=env, env_file=None)


def problems_of(**changes: str | None) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refused:
        load(**changes)
    return refused.value.problems
