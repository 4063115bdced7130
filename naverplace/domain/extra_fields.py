"""Further fields of a booking: declared in rules/fields.yaml, not coded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult
from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic import Field as Declared

from naverplace.base.clock import SEOUL, parse_time
from naverplace.base.yaml_nodes import ErrorList, load_yaml
from naverplace.base.yaml_validation import validate_node

FieldType = Literal["str", "int", "float", "bool", "datetime", "list"]
BUILT_IN = (
    *("name", "date", "time", "date_time", "start", "end", "status", "options", "extra"),
    *("phone", "store_id", "booking_id", "booking_num", "key", "read_at", "raw_phone"),
)


@dataclass(frozen=True)
class Field:
    """One declared field; a personal one is never shown in verdicts, logs or reports."""

    name: str
    path: str  # JMESPath within one booking of Naver's answer
    type: FieldType = "str"
    personal: bool = True


@lru_cache(maxsize=256)
def _compiled(path: str) -> ParsedResult:
    return jmespath.compile(path)


def _a_path(path: str) -> str:
    try:
        _compiled(path)
    except JMESPathError as error:
        # str(error) is several lines with a drawing of the place.
        raise ValueError(f"is no JMESPath: {str(error).splitlines()[0]}") from None
    return path


class FieldEntry(BaseModel):
    """One field as rules/fields.yaml declares it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    path: Annotated[str, AfterValidator(_a_path)]
    type: FieldType = "str"
    personal: bool  # no default: whoever declares a field has to think about it


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    fields: dict[Annotated[str, Declared(pattern=r"^[a-z][a-z0-9_]*$")], FieldEntry]


def load_fields(path: Path) -> tuple[Field, ...]:
    """Read the declared fields in the file's order. Raises RulesError with every mistake."""
    problems = ErrorList()
    node = load_yaml(path, problems)
    read: _File | None = validate_node(_File, node, problems) if node else None
    if node and read:
        for name in (name for name in read.fields if name in BUILT_IN):
            place = node.value["fields"].keys[name]
            problems.note(place, f"{name!r} is what every booking has already: take another name")
    problems.raise_if_any()
    assert read is not None  # noqa: S101 - every way to None has noted a problem
    return tuple(Field(name=name, **entry.model_dump()) for name, entry in read.fields.items())


def read_field(field: Field, raw: Mapping[str, Any]) -> Any:
    """Read one field of Naver's JSON; None when it is missing or is not of its type.

    Never raises: a rule that needs the value reports that it could not be decided.
    """
    try:
        return _as_type(_compiled(field.path).search(raw), field.type)
    except (JMESPathError, TypeError, ValueError, OverflowError):
        return None


def _as_type(value: Any, kind: FieldType) -> Any:
    if value is None:
        return None
    if kind == "list":
        return [part for part in value if part is not None] if isinstance(value, list) else [value]
    if kind == "bool":
        words = {"true": True, "false": False, "y": True, "n": False}
        return value if isinstance(value, bool) else words.get(str(value).lower())
    if isinstance(value, bool | list | Mapping):
        return None
    if kind == "int":
        number = float(value)
        return int(value) if number.is_integer() else None
    if kind == "float":
        number = float(value)
        return number if math.isfinite(number) else None
    # A time without a zone is Korean (outside-services: Naver API fields).
    return parse_time(str(value), SEOUL) if kind == "datetime" else str(value)
