"""The modelled legacy's own variables, LEGACY_*; no address is assumed, so nothing real is met."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from legacy.ports import Texts
from legacy.settings import STORE_IDS, LegacySettings, invented_texts

PREFIX = "LEGACY_"
NEEDED = (
    "username",
    "password",
    "nid_url",
    "www_url",
    "smartplace_url",
    "partner_url",
    "sens_url",
    "sens_service_id",
    "sens_access_key",
    "sens_secret_key",
    "telegram_url",
    "telegram_token",
    "telegram_chat",
    "aws_endpoint",  # boto3 would go to the real tables without one
)
READ: dict[str, Callable[[str], Any]] = {
    "zone": ZoneInfo,
    "clock_offset": float,
    "pause": float,
    "check_in_browser": lambda text: text == "1",
    "warm_start": lambda text: text == "1",
    "store_ids": lambda text: tuple(text.split(",")),
}


def from_environment(env: Mapping[str, str]) -> LegacySettings:
    """Read LEGACY_<FIELD>, and LEGACY_SENDER or a JSON file of texts in LEGACY_TEXTS.

    Raises ValueError with the names that are missing or unknown.
    """
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in env.items()
        if name.startswith(PREFIX)
    }
    known = {one.name for one in fields(LegacySettings)} | {"sender"}
    missing = [name for name in NEEDED if name not in given]
    if not {"sender", "texts"} & set(given):
        missing.append("texts")
    wrong = [f"{PREFIX}{name}".upper() for name in (*missing, *sorted(set(given) - known))]
    if wrong:
        raise ValueError(f"missing or unknown: {', '.join(wrong)}")
    values: dict[str, Any] = {name: READ.get(name, str)(text) for name, text in given.items()}
    sender, path = values.pop("sender", ""), values.pop("texts", "")
    texts = _texts(path) if path else invented_texts(sender, values.get("store_ids", STORE_IDS))
    return LegacySettings(texts=texts, **values)


def _texts(path: str) -> Texts:
    """Read a file with the fields of Texts."""
    return Texts(**json.loads(Path(path).read_text(encoding="utf-8")))
