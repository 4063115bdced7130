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

from naverplace.base.page_templates import page_templates
from naverplace.base.registry import suggest_nearest
from naverplace.base.translation import gettext as _
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
    template = page_templates("naverplace.settings").get_template("env_example.j2")
    ask = {"section_of": section_of, "is_table": _is_table, "variable_of": variable_of}
    return template.render(fields=fields(), prefects=PREFECTS, **ask)


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
    if path is None:
        return {}
    try:
        content = path.read_text("utf-8-sig")  # Windows' editors put a mark before the first name
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeError) as error:
        words = _("{file}: cannot be read ({why}); write it as UTF-8 text")
        problems.append(words.format(file=path, why=type(error).__name__))
        return {}
    variables = {}
    for line in parse_stream(StringIO(content)):
        if line.error:
            text = line.original.string
            start = line.original.line + len(text) - len(text.lstrip("\n"))
            words = _("{file}:{line}: is not NAME=value; is a quote left open?")
            problems.append(words.format(file=path, line=start))
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
            words = _("{name}: is not valid JSON of an object, like {{...}}")
            problems.append(words.format(name=given))
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
            words = _("{name}: unknown setting in {place}; {hint}")
            yield words.format(name=name, place=where, hint=suggest_nearest(word, known))
