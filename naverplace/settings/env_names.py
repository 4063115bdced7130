"""The settings' names: in the tree, as variables, and in `.env.example`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any, cast, get_args

from dotenv.parser import parse_stream
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource

from naverplace.base.registry import suggest_nearest
from naverplace.settings.schema import Settings

PREFIX = "NAVERPLACE_"
BLOCK_VARIABLE = "NAVERPLACE_PREFECT_BLOCK"  # read by tasks/settings.py, which knows Prefect
PREFECTS = {  # no settings of the library: whoever deploys or serves with Prefect reads them
    BLOCK_VARIABLE: "a block that holds this tree as JSON, like secret/naverplace",
    "NAVERPLACE_HOME": "the project's folder, where prefect.yaml lets a worker work",
    "NAVERPLACE_DATABASE_URL": "PostgreSQL for `make up`; without it SQLite",
}
TreePath = tuple[str, ...]


@cache
def fields(
    model: type[BaseModel] = Settings, above: TreePath = ()
) -> tuple[tuple[TreePath, FieldInfo], ...]:
    """List every setting and section with its place in the tree."""
    listed: list[tuple[TreePath, FieldInfo]] = []
    for name, field in model.model_fields.items():
        path = (*above, name)
        listed.append((path, field))
        if section := section_of(field):
            listed += fields(section, path)
    return tuple(listed)


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """Tell the class of a section; None for a setting."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def is_secret(field: FieldInfo) -> bool:
    """Tell whether a setting is a secret or holds some."""

    def holds_secret(kind: Any) -> bool:
        return kind is SecretStr or any(map(holds_secret, get_args(kind)))

    return holds_secret(field.annotation)


def variable_of(path: TreePath) -> str:
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


@cache
def variable_names() -> tuple[str, ...]:
    """List every variable that is a setting, sections as JSON included."""
    return tuple(variable_of(path) for path, _ in fields())


@cache
def json_variables() -> frozenset[str]:
    """List the variables whose text is a JSON object."""
    tables = (path for path, field in fields() if section_of(field) or _is_table(field))
    return frozenset(map(variable_of, tables))


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
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        shown = "" if default in (None, {}, ()) else default
        lines.append(f"{'' if field.is_required() else '#'}{variable_of(path)}={shown}")
    lines += ["", "# -- Prefect"]
    for name, words in PREFECTS.items():
        lines += [f"# {words}", f"#{name}="]
    return "\n".join([*lines, ""])


class _Environment(EnvSettingsSource):
    """pydantic-settings' reading of variables, from a mapping instead of this process."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._given = {name.lower(): value for name, value in variables.items()}
        super().__init__(
            cast("type[BaseSettings]", Settings),  # of which it reads no more than the fields
            env_prefix=PREFIX,
            env_nested_delimiter="__",
        )

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._given


def read_env_file(path: Path | None, problems: list[str]) -> dict[str, str]:
    """Read the variables of an `.env` file; without a file there are none."""
    if path is None or not path.exists():
        return {}
    try:
        content = path.read_text("utf-8-sig")  # Windows' editors put a mark before the first name
    except (OSError, UnicodeError) as error:
        problems.append(f"{path}: cannot be read ({type(error).__name__}); write it as UTF-8 text")
        return {}
    variables = {}
    for line in parse_stream(StringIO(content)):
        if line.error:
            text = line.original.string
            start = line.original.line + len(text) - len(text.lstrip("\n"))
            problems.append(f"{path}:{start}: is not NAME=value; is a quote left open?")
        elif line.key:
            variables[line.key] = line.value or ""
    return variables


def tree_of(variables: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
    """Sort the variables that are settings into a tree."""
    # An empty variable, as CI systems and copied examples have them, means: not set.
    ours = {n: v for n, v in variables.items() if n.upper() in variable_names() and v != ""}
    for name in sorted(json_variables() & {name.upper() for name in ours}):
        given = next(n for n in ours if n.upper() == name)
        try:
            is_object = isinstance(json.loads(ours[given]), dict)
        except ValueError:
            is_object = False
        if not is_object:
            del ours[given]
            problems.append(f"{given}: is not valid JSON of an object, like {{...}}")
    return dict(_Environment(ours)())


def unknown(variables: Mapping[str, str], where: str) -> Iterator[str]:
    """Name variables that look like settings and are none, with the nearest that is one."""
    known = [*variable_names(), *PREFECTS]
    for name in variables:
        word = name.upper()
        if word in known:
            continue
        is_near = "NAVER" in word and get_close_matches(word, known, n=1, cutoff=0.9)
        if word.startswith(PREFIX) or is_near:
            yield f"{name}: unknown setting in {where}; {suggest_nearest(word, known)}"
