"""Where settings come from, in which order, and what to say when they are wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource
from pydantic_settings import SettingsError as SourceError

from naverplace import redaction
from naverplace.errors import NaverPlaceError, SettingsError
from naverplace.redaction import REDACTOR
from naverplace.registry import nearest
from naverplace.secrets import read_secret
from naverplace.settings import AwsSettings, Settings

PREFIX = "NAVERPLACE_"
BLOCK_VARIABLE = "NAVERPLACE_PREFECT_BLOCK"  # read by tasks/settings.py, which knows Prefect
Tree = dict[str, Any]


class _Environment(EnvSettingsSource):
    """pydantic-settings' reading of variables, from a mapping instead of this process."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._given = {name.lower(): value for name, value in variables.items()}
        super().__init__(Settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._given


def load_settings(
    *,
    env: Mapping[str, str] | None = None,
    env_file: Path | None = Path(".env"),
    block_values: Mapping[str, Any] | None = None,
) -> Settings:
    """Load the settings, once, before any other outside call, with redaction in place first.

    The environment wins over `env_file`, over `block_values` (a Prefect block), over the Secrets
    Manager secret named by `aws.secret_id`, over defaults. Raises SettingsError with all problems.
    """
    redaction.attach()
    environment = dict(os.environ if env is None else env)
    in_file = _read_env_file(env_file)
    problems = [*_unknown(environment, "the environment"), *_unknown(in_file, str(env_file))]
    tree: Tree = {}
    tried = ["environment"]
    if env_file is not None:
        tried.append(f"{env_file}" + ("" if in_file else " (not there or empty)"))
    for variables in (in_file, environment):
        tree = _merged(_parsed(variables, problems), tree)
    if block_values is not None:
        tried.append("Prefect block")
        tree = _merged(tree, dict(block_values))
    tree = _with_secret(tree, tried, problems)
    try:
        settings = Settings(**tree)
    except ValidationError as error:
        problems += [p for p in _worded(error) if not _named(p, problems)]
        settings = None
    if problems or settings is None:
        raise SettingsError([*map(REDACTOR.scrub, problems), f"tried: {', '.join(tried)}"])
    REDACTOR.learn_settings(settings)
    return settings


def _read_env_file(path: Path | None) -> dict[str, str]:
    if path is None or not path.is_file():
        return {}
    return {name: value or "" for name, value in dotenv_values(path, interpolate=False).items()}


def _parsed(variables: Mapping[str, str], problems: list[str]) -> Tree:
    # An empty variable, as CI systems and copied examples have them, means: not set.
    ours = {n: v for n, v in variables.items() if n.upper().startswith(PREFIX) and v != ""}
    try:
        return dict(_Environment(ours)())
    except SourceError:
        bad = [n for n, v in ours.items() if (n.count("__") == 0 and v[:1] in "{[") or n in _JSON]
        problems.append(f"{' or '.join(sorted(bad)) or 'a variable'}: is not valid JSON")
        return {}


_JSON = {f"{PREFIX}ACCESS"}


def _merged(strong: Mapping[str, Any], weak: Mapping[str, Any]) -> Tree:
    """Lay one tree over another, key by key."""
    merged = dict(weak)
    for name, value in strong.items():
        below = merged.get(name)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        merged[name] = _merged(value, below) if both else value  # type: ignore[arg-type]
    return merged


def _with_secret(tree: Tree, tried: list[str], problems: list[str]) -> Tree:
    """Lay the tree over the secret that it names, if it names one."""
    given = tree.get("aws")
    secret_id = given.get("secret_id") if isinstance(given, Mapping) else None
    if not secret_id:
        tried.append("AWS Secrets Manager (aws.secret_id is not set)")
        return tree
    tried.append(f"AWS Secrets Manager secret {secret_id!r}")
    try:
        return _merged(tree, read_secret(str(secret_id), aws=AwsSettings.model_validate(given)))
    except NaverPlaceError as error:
        problems.append(str(error))
    except ValidationError:
        pass  # wrong AWS settings are named with all the others
    return tree


def _unknown(variables: Mapping[str, str], where: str) -> Iterator[str]:
    known = [*variable_names(), BLOCK_VARIABLE]
    for name in variables:
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            yield f"{name}: unknown setting in {where}; {nearest(name.upper(), known)}"


def variable_names() -> list[str]:
    """List every variable that is a setting, sections as JSON included."""
    return [_variable(path) for path, _ in _fields(Settings)]


def _variable(path: tuple[str, ...]) -> str:
    return PREFIX + "__".join(path).upper()


def _fields(model: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[Any]:
    for name, field in model.model_fields.items():
        path = (*above, name)
        yield path, field
        if section := _section(field):
            yield from _fields(section, path)


def _section(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _worded(error: ValidationError) -> Iterator[str]:
    """Word every wrong setting, without its value, with how to set it."""
    for found in error.errors(include_input=False, include_url=False, include_context=False):
        path = tuple(str(part) for part in found["loc"])
        if not path:
            yield str(found["msg"]).removeprefix("Value error, ")
            continue
        section = Settings.model_fields.get(path[0])
        if found["type"] == "missing" and len(path) == 1 and section and _section(section):
            # Nothing of the section was given: each of its own must-haves is named.
            yield from (_missing((path[0], name)) for name in _required(_section(section)))
        elif found["type"] == "missing":
            yield _missing(path)
        elif found["type"] == "extra_forbidden":
            names = [".".join(known) for known, _ in _fields(Settings)]
            yield f"{'.'.join(path)}: unknown setting; {nearest('.'.join(path), names)}"
        else:
            words = str(found["msg"]).removeprefix("Value error, ")
            yield f"{'.'.join(path)}: {words}; set {_variable(path)}=..."


def _named(problem: str, problems: list[str]) -> bool:
    """Tell whether an unknown setting was named already, as the variable that it came from."""
    name, _, rest = problem.partition(": ")
    variable = _variable(tuple(name.split(".")))
    return rest.startswith("unknown setting") and any(p.startswith(variable) for p in problems)


def _required(section: type[BaseModel] | None) -> list[str]:
    fields = section.model_fields if section else {}
    return [name for name, field in fields.items() if field.is_required()]


def _missing(path: tuple[str, ...]) -> str:
    return (
        f"{'.'.join(path)}: is missing; set {_variable(path)}=... in the environment or .env, "
        f"or {'.'.join(path)} in the block or secret"
    )


def env_example() -> str:
    """Write `.env.example` from the settings classes."""
    lines = [
        "# Settings of naverplace; made by `naverplace env-example` from the settings classes.",
        "# Copy to .env and fill in what has no default. The environment wins over this file.",
    ]
    for path, field in _fields(Settings):
        if section := _section(field):
            lines += ["", f"# -- {(section.__doc__ or '').strip()}"]
            continue
        lines.append(f"# {field.description}{' (required)' if field.is_required() else ''}")
        default = "" if field.is_required() else _shown(field)
        lines.append(f"{'' if field.is_required() else '#'}{_variable(path)}={default}")
    lines += ["", "# -- Prefect", "# a block that holds this tree as JSON, like secret/naverplace"]
    return "\n".join([*lines, f"#{BLOCK_VARIABLE}=", ""])


def _shown(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    return "" if default is None or default == {} else str(default)
