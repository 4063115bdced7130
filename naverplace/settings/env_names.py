"""The settings' names: in the tree, as variables, and in `.env.example`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from naverplace.settings.schema import Settings

PREFIX = "NAVERPLACE_"
BLOCK_VARIABLE = "NAVERPLACE_PREFECT_BLOCK"  # read by tasks/settings.py, which knows Prefect
PREFECTS = {  # no settings of the library: whoever deploys or serves with Prefect reads them
    BLOCK_VARIABLE: "a block that holds this tree as JSON, like secret/naverplace",
    "NAVERPLACE_HOME": "the project's folder, where prefect.yaml lets a worker work",
    "NAVERPLACE_DATABASE_URL": "PostgreSQL for `make up`; without it SQLite",
}
Path = tuple[str, ...]


def fields(model: type[BaseModel] = Settings, above: Path = ()) -> Iterator[tuple[Path, FieldInfo]]:
    """List every setting and section with its place in the tree."""
    for name, field in model.model_fields.items():
        path = (*above, name)
        yield path, field
        if section := section_of(field):
            yield from fields(section, path)


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """Tell the class of a section; None for a setting."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def is_secret(field: FieldInfo) -> bool:
    """Tell whether a setting is a secret or holds some."""
    return _holds_secret(field.annotation)


def _holds_secret(kind: Any) -> bool:
    return kind is SecretStr or any(_holds_secret(part) for part in get_args(kind))


def variable_of(path: Path) -> str:
    """Name the variable of a setting; of one within a table of settings, the table's."""
    field: FieldInfo | None = None
    known: list[str] = []
    model: type[BaseModel] | None = Settings
    for name in path:
        known.append(name)
        field = model.model_fields.get(name) if model else None
        model = section_of(field) if field else None
        if field and not model:
            break  # access data come as one JSON object
    return PREFIX + "__".join(known).upper()


def variable_names() -> list[str]:
    """List every variable that is a setting, sections as JSON included."""
    return [variable_of(path) for path, _ in fields()]


def json_variables() -> set[str]:
    """List the variables whose text is a JSON object."""
    return {variable_of(path) for path, field in fields() if section_of(field) or _is_table(field)}


def _is_table(field: FieldInfo) -> bool:
    return getattr(field.annotation, "__origin__", None) is dict


def env_example() -> str:
    """Write `.env.example` from the settings classes."""
    lines = [
        "# Settings of naverplace; made by `naverplace env-example` from the settings classes.",
        "# Copy to .env and fill in what has no default. The environment wins over this file.",
        "# Write a value that holds a blank, # or a quote in 'single quotes'.",
        "",
    ]
    for path, field in fields():
        if section := section_of(field):
            lines += ["", f"# -- {(section.__doc__ or '').strip()}"]
            continue
        if _is_table(field):
            lines += ["", "# -- Doors: what only a customer may know."]
        lines.append(f"# {field.description}{' (required)' if field.is_required() else ''}")
        default = "" if field.is_required() else _shown(field)
        lines.append(f"{'' if field.is_required() else '#'}{variable_of(path)}={default}")
    lines += ["", "# -- Prefect"]
    for name, words in PREFECTS.items():
        lines += [f"# {words}", f"#{name}="]
    return "\n".join([*lines, ""])


def _shown(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    return "" if default in (None, {}, ()) else str(default)
