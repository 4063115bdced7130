"""Where settings come from, in which order, and what to say when they are wrong."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

from pydantic import SecretStr, TypeAdapter, ValidationError

from naverplace.aws.config import AwsSettings
from naverplace.aws.secrets_manager import read_secret
from naverplace.base.errors import NaverPlaceError, SettingsError
from naverplace.base.registry import suggest_nearest
from naverplace.base.setting_types import Secret
from naverplace.base.translation import gettext as _
from naverplace.base.translation import language_of, use_language
from naverplace.redaction import redactor
from naverplace.redaction.redactor import REDACTOR
from naverplace.redaction.weak_codes import ADVICE, weak_secrets
from naverplace.settings.env_names import (
    fields,
    is_secret,
    read_env_file,
    section_of,
    tree_of,
    unknown,
    variable_of,
)
from naverplace.settings.schema import Settings

log = logging.getLogger(__name__)
# Not ours to read, but the process holds them, and libraries show them at DEBUG.
_HELD = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PREFECT_API_KEY", "PREFECT_API_AUTH_STRING")
_LONG_ENOUGH = 12  # a shorter one is a placeholder such as `testing`
Tree = dict[str, Any]


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
    redactor.attach()
    problems: list[str] = []
    trees, tried = _gather(
        dict(os.environ if env is None else env),
        env_file=env_file,
        block_values=block_values,
        problems=problems,
    )
    cause = _add_secret(trees, tried, problems)
    settings = _checked(trees, problems)
    if problems or settings is None:
        listed = [
            *map(REDACTOR.scrub, problems),
            _("tried: {places}").format(places=", ".join(tried)),
        ]
        raise SettingsError(listed) from cause
    REDACTOR.learn_settings(settings)
    if settings.language:
        use_language(settings.language)
    for weak in weak_secrets(settings):
        log.warning("%s: %s", weak, ADVICE)
    return settings


def access_here() -> dict[str, dict[str, SecretStr]]:
    """Read the access data of the environment and `.env`, without asking anything outside."""
    variables = {**read_env_file(Path(".env"), []), **os.environ}
    given = tree_of(variables, []).get("access")
    try:
        return TypeAdapter(dict[str, dict[str, Secret]]).validate_python(given or {})
    except ValidationError:  # what loads the settings names it
        return {}


def weak_codes(access: Mapping[str, Mapping[str, SecretStr]]) -> list[str]:
    """List the weak access codes, by their names."""
    return [f"{weak}: {_(ADVICE)}" for weak in weak_secrets(access, "access")]


def _gather(
    environment: Mapping[str, str],
    *,
    env_file: Path | None,
    block_values: Mapping[str, Any] | None,
    problems: list[str],
) -> tuple[dict[str, Tree], list[str]]:
    in_file = read_env_file(env_file, problems)
    use_language(language_of({**in_file, **environment}))
    problems += [*unknown(environment, "the environment"), *unknown(in_file, str(env_file))]
    trees = {"the environment": tree_of(environment, problems)}
    tried = ["the environment"]
    if env_file is not None:
        trees[str(env_file)] = tree_of(in_file, problems)
        tried.append(f"{env_file}" + ("" if in_file else " (not there or empty)"))
    if block_values is not None:
        trees["the Prefect block"] = dict(block_values)
        tried.append("the Prefect block")
    held = (variables.get(name, "") for variables in (environment, in_file) for name in _HELD)
    REDACTOR.learn(*(secret for secret in held if len(secret) >= _LONG_ENOUGH))
    for tree in trees.values():
        REDACTOR.learn(*_secrets_of(tree))
    return trees, tried


def _checked(trees: Mapping[str, Tree], problems: list[str]) -> Settings | None:
    try:
        return Settings.model_validate(_merged(trees))
    except ValidationError as error:
        problems += _worded(error, trees)
        return None


def _merged(trees: Mapping[str, Tree]) -> Tree:
    return reduce(_laid_over, trees.values(), {})


def _laid_over(strong: Mapping[str, Any], weak: Mapping[str, Any]) -> Tree:
    merged = dict(weak)
    for name, value in strong.items():
        below = merged.get(name)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        merged[name] = _laid_over(value, below) if both else value  # type: ignore[arg-type]
    return merged


def _add_secret(
    trees: dict[str, Tree], tried: list[str], problems: list[str]
) -> NaverPlaceError | None:
    given = _merged(trees).get("aws")
    secret_id = given.get("secret_id") if isinstance(given, Mapping) else None
    if not secret_id:
        tried.append("AWS Secrets Manager (aws.secret_id is not set)")
        return None
    where = f"AWS Secrets Manager secret {secret_id!r}"
    try:
        tree = read_secret(str(secret_id), aws=AwsSettings.model_validate(given))
    except NaverPlaceError as error:
        problems.append(str(error))
        tried.append(f"{where} (not read)")
        return error
    except ValidationError:
        tried.append(f"{where} (not read: the settings of aws are wrong)")
        return None
    REDACTOR.learn(*_secrets_of(tree))
    trees[where] = tree
    tried.append(where)
    return None


def _secrets_of(tree: Mapping[str, Any]) -> Iterator[str]:
    for path, field in fields():
        if is_secret(field):
            yield from _texts(_at(tree, path))


def _at(tree: object, path: Sequence[str]) -> object:
    for name in path:
        tree = tree.get(name) if isinstance(tree, Mapping) else None
    return tree


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif value is not None:
        yield str(value)


def _worded(error: ValidationError, trees: Mapping[str, Tree]) -> Iterator[str]:
    for found in error.errors(include_input=False, include_url=False, include_context=False):
        path = tuple(str(part) for part in found["loc"] if part != "[key]")
        words = str(found["msg"]).removeprefix("Value error, ")
        dotted = ".".join(path)
        giver = next((name for name, tree in trees.items() if _at(tree, path) is not None), "")
        field = Settings.model_fields.get(path[0]) if path else None
        section = section_of(field) if field else None
        if not path:
            yield words
        elif found["type"] == "missing" and len(path) == 1 and section:
            # Nothing of the section was given: each of its own must-haves is named.
            known = section.model_fields.items()
            yield from (_missing((*path, name)) for name, part in known if part.is_required())
        elif found["type"] == "missing":
            yield _missing(path)
        elif found["type"] == "extra_forbidden":
            names = [".".join(known) for known, _ in fields()]
            hint = suggest_nearest(dotted, names)
            words = _("{name}: unknown setting in {place}; {hint}")
            yield words.format(name=dotted, place=giver or "a tree", hint=hint)
        else:
            came = f" (from {giver})" if giver else ""
            yield f"{dotted}: {words}{came}; set {variable_of(path)}=..."


def _missing(path: tuple[str, ...]) -> str:
    words = _(
        "{name}: is missing; set {variable}=... in the environment or .env, or {name} in the block "
        "or secret"
    )
    return words.format(name=".".join(path), variable=variable_of(path))
