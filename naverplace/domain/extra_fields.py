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
from pydantic import AfterValidator, WithJsonSchema

from naverplace.base.clock import SEOUL, parse_time
from naverplace.base.korean_text import compose
from naverplace.base.translation import gettext as _
from naverplace.base.translation import gettext_noop as N_
from naverplace.base.yaml_nodes import ErrorList, load_yaml
from naverplace.base.yaml_validation import Matching, YamlModel, validate_node

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
    type: FieldType | Literal[""] = "str"  # "": unknown
    personal: bool = True


@lru_cache(maxsize=256)
def _compiled(path: str) -> ParsedResult:
    return jmespath.compile(path)


def _a_path(path: str) -> str:
    try:
        _compiled(path)
    except JMESPathError:
        words = _("{path!r} is no path: write it like totalPrice or snapshotJson.list[].value")
        raise ValueError(words.format(path=path)) from None
    return path


class FieldEntry(YamlModel, strict=True):
    """One field as rules/fields.yaml declares it."""

    path: Annotated[
        str, AfterValidator(_a_path), WithJsonSchema({"type": "string", "minLength": 1})
    ]
    """where it stands in Naver's answer about a booking, by JMESPath, like totalPrice"""
    type: FieldType = "str"
    """what it is read as; a booking whose value is none counts as lacking it"""
    personal: bool  # no default: whoever declares a field has to think about it
    """it tells something about a person: no report, log or verdict ever shows it"""


_NAME = N_("small letters, digits and _, with a letter first")


class FieldsFile(YamlModel):
    """The file rules/fields.yaml."""

    fields: dict[
        Annotated[str, Matching(r"[a-z][a-z0-9_]*", _NAME, "^[a-z][a-z0-9_]*$")], FieldEntry
    ]


def load_fields(path: Path) -> tuple[Field, ...]:
    """Read the declared fields in the file's order. Raises RulesError with every mistake."""
    problems = ErrorList()
    fields = read_fields(path, problems)
    problems.raise_if_any()
    return fields or ()


def read_fields(path: Path, problems: ErrorList) -> tuple[Field, ...] | None:
    """Read the declared fields; mistakes are noted.

    A field with a mistake is there all the same, of unknown type, so that nothing else is blamed
    for it; None when nobody can tell which fields there are.
    """
    node = load_yaml(path, problems)
    read = validate_node(FieldsFile, node, problems) if node else None
    group = node.value.get("fields") if node and isinstance(node.value, dict) else None
    if group is None or not isinstance(group.value, dict):
        return None
    for name in (name for name in group.keys if name in BUILT_IN):
        words = _("{name!r} is what every booking has already: take another name")
        problems.note(group.keys[name], words.format(name=name))
    if read is None:
        return tuple(assumed_field(name) for name in group.value)
    return tuple(Field(name=name, **entry.model_dump()) for name, entry in read.fields.items())


def assumed_field(name: str) -> Field:
    """Stand in for a field whose declaration cannot be read: nothing is known of its type."""
    return Field(name, "", "", personal=False)


def read_field(field: Field, raw: Mapping[str, Any]) -> Any:
    """Read one field of Naver's JSON; None when it is missing or is not of its type.

    Never raises: a rule that needs the value reports that it could not be decided.
    """
    try:
        return _composed(_as_type(_compiled(field.path).search(raw), field.type))
    except (JMESPathError, TypeError, ValueError, OverflowError):
        return None


def _composed(value: Any) -> Any:
    if isinstance(value, list):
        return [_composed(part) for part in value]
    return compose(value) if isinstance(value, str) else value


def _as_type(value: Any, kind: str) -> Any:
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
