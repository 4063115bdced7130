"""The stores: who they are, and what differs between them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from naverplace.base.yaml_nodes import ErrorList, load_yaml
from naverplace.base.yaml_validation import validate_node


def _digits(value: str) -> str:
    digits = value.replace("-", "")
    if not digits.isdecimal() or not digits.isascii() or not 8 <= len(digits) <= 12:
        raise ValueError('must be a phone number in quotes, like "031-000-0000"')
    return digits


class StoreEntry(BaseModel):
    """One store as deployments/stores.yaml describes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    alias: str = Field(min_length=1)  # the short name in messages and reports
    sender: Annotated[str, AfterValidator(_digits)] | None = None  # registered with SENS
    templates: Mapping[str, str] | None = None  # other templates of this store, by the usual one


class Store(StoreEntry):
    """One store, by Naver's business id."""

    id: str


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    stores: dict[Annotated[str, Field(pattern=r"^[1-9][0-9]*$")], StoreEntry] = Field(min_length=1)


def load_stores(path: Path) -> dict[str, Store]:
    """Read the stores by id, in the file's order. Raises RulesError with every mistake."""
    problems = ErrorList()
    node = load_yaml(path, problems)
    read = validate_node(_File, node, problems) if node else None
    problems.raise_if_any()
    assert read is not None  # noqa: S101 - every way to None has noted a problem
    entries = read.stores.items()
    return {store_id: Store(id=store_id, **entry.model_dump()) for store_id, entry in entries}
