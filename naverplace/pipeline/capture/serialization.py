"""Inputs of a run as plain JSON values, and back; lossless for what Naver and the table give."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from naverplace.base.clock import SEOUL
from naverplace.base.errors import Permanent
from naverplace.domain.effects import RecordKey
from naverplace.pipeline.capture.inputs import Inputs


def to_json(inputs: Inputs) -> dict[str, Any]:
    """Turn inputs into values that `dumps` can write; items as rows of key and values."""
    return {
        "run_id": inputs.run_id,
        "now": inputs.now.isoformat(),
        "store_ids": list(inputs.store_ids),
        "confirmed": [dict(raw) for raw in inputs.confirmed],
        "completed": [dict(raw) for raw in inputs.completed],
        "items": [[*key, dict(item)] for key, item in sorted(inputs.items.items())],
        "rules_version": inputs.rules_version,
        "settings_version": inputs.settings_version,
    }


def from_json(form: object) -> Inputs:
    """Read inputs back. Raises Permanent, without quoting any of it."""
    try:
        assert isinstance(form, Mapping)  # noqa: S101 - caught below
        return Inputs(
            run_id=str(form["run_id"]),
            now=aware(form["now"]).astimezone(SEOUL),
            store_ids=tuple(form["store_ids"]),
            confirmed=list(form["confirmed"]),
            completed=list(form["completed"]),
            items={RecordKey(number, phone): item for number, phone, item in form["items"]},
            rules_version=str(form.get("rules_version", "")),
            settings_version=str(form.get("settings_version", "")),
        )
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        raise Permanent(f"these are no inputs of a run ({type(error).__name__})") from None


def aware(text: Any) -> datetime:
    """Read a time with its zone. Raises ValueError or TypeError."""
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        raise ValueError("a time has no zone")
    return read


def dumps(form: Any) -> str:
    """Write one line of JSON, alike for alike values; DynamoDB's decimals as numbers.

    Raises TypeError for what JSON does not know.
    """
    text = json.dumps(form, ensure_ascii=False, separators=(",", ":"), default=_number)
    if text.isprintable():  # half an emoji is not, and has no bytes in UTF-8
        return text
    return json.dumps(form, separators=(",", ":"), default=_number)


def _number(value: object) -> int | float:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
