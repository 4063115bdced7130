"""The report for machines; `naverplace cutover` and `naverplace document` read it."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import datetime
from typing import Any

from naverplace.base.errors import Permanent
from naverplace.migration.parity.values import Difference, Evidence, Parity


def parity_json(parity: Parity) -> str:
    """Write a result as one JSON object; times carry their zone."""
    told = {field.name: getattr(parity, field.name) for field in fields(parity)}
    return json.dumps(told, ensure_ascii=False, indent=1, default=_plain) + "\n"


def read_parity(text: str, *, where: str = "the report") -> Parity:
    """Read a result that as_json has written. Raises Permanent."""
    try:
        data: dict[str, Any] = json.loads(text)
        known = {field.name for field in fields(Parity)}
        told = {name: value for name, value in data.items() if name in known}
        for name in ("made_at", "first", "last"):
            told[name] = _moment(told.get(name))
        told["evidence"] = tuple(Evidence(**row) for row in told["evidence"])
        told["differences"] = tuple(
            Difference(**{**row, "due": _moment(row["due"])}) for row in told["differences"]
        )
        lists = ("why", "table", "thresholds", "stores", "survivors", "notes")
        return Parity(**{**told, **{name: tuple(told.get(name) or ()) for name in lists}})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Permanent(
            f"{where}: is no parity report in JSON ({type(error).__name__}); `make parity` and the "
            "parity flows write one, parity.json"
        ) from None


def _moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Difference | Evidence):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} has no JSON form")
