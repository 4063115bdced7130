"""The stores: who they are, and what differs between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field, WithJsonSchema

from naverplace.base.errors import SettingsError
from naverplace.base.registry import suggest_nearest
from naverplace.base.setting_types import Digits
from naverplace.base.translation import gettext as _
from naverplace.base.translation import gettext_noop as N_
from naverplace.base.yaml_nodes import ErrorList, Node, load_yaml
from naverplace.base.yaml_validation import Matching, YamlModel, validate_node

_PHONE = {"type": "string", "pattern": "^[ -]*([0-9][ -]*){8,12}$"}


def named_stores(which: Sequence[str], known: Mapping[str, Store]) -> list[Store]:
    """Find stores by id or alias, each once. Raises SettingsError with what names none."""
    named = {**{store.alias: store for store in known.values()}, **known}
    words = _("unknown store {word!r}; {hint}")
    unknown = [
        words.format(word=word, hint=suggest_nearest(word, list(named)))
        for word in which
        if word not in named
    ]
    if unknown:
        raise SettingsError(unknown)
    return list({named[word].id: named[word] for word in which}.values())


class StoreEntry(YamlModel):
    """One store as deployments/stores.yaml describes it."""

    name: str = Field(min_length=1)
    """as customers know it"""
    alias: str = Field(min_length=1)
    """the short name in messages and reports"""
    sender: Annotated[Digits, WithJsonSchema(_PHONE)] | None = None
    """the number that its guides come from, registered with SENS; else the default sender"""
    templates: Mapping[str, str] | None = None
    """other templates of this store, by the usual one"""


class Store(StoreEntry):
    """One store, by Naver's business id."""

    id: str


StoreNumber = Annotated[
    str, Matching(r"[1-9][0-9]*", N_("Naver's number of the store, like 1051707"), "^[1-9][0-9]*$")
]


class StoresFile(YamlModel):
    """The file deployments/stores.yaml."""

    stores: dict[StoreNumber, StoreEntry] = Field(min_length=1)


def load_stores(path: Path) -> dict[str, Store]:
    """Read the stores by id, in the file's order. Raises RulesError with every mistake."""
    problems = ErrorList()
    stores, _ = read_stores(path, problems)
    problems.raise_if_any()
    return stores or {}


def read_stores(path: Path, problems: ErrorList) -> tuple[dict[str, Store] | None, Node | None]:
    """Read the stores and the file's places; mistakes are noted.

    A store with a mistake is there under its number all the same, so that nothing else is blamed
    for it; None when nobody can tell which stores there are.
    """
    node = load_yaml(path, problems)
    read = validate_node(StoresFile, node, problems) if node else None
    if read:
        entries = read.stores.items()
        return {key: Store(id=key, **entry.model_dump()) for key, entry in entries}, node
    group = node.value.get("stores") if node and isinstance(node.value, dict) else None
    if group is None or not isinstance(group.value, dict) or not group.value:
        return None, node
    return {key: Store(id=key, name=key, alias=key) for key in group.value}, node
