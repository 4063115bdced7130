"""Settings as environment variables and as lines of an `.env` file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import Any

from dotenv.parser import parse_stream
from pydantic_settings import EnvSettingsSource

from naverplace.base.registry import suggest_nearest
from naverplace.settings.env_names import PREFECTS, PREFIX, json_variables, variable_names
from naverplace.settings.schema import Settings


class _Environment(EnvSettingsSource):
    """pydantic-settings' reading of variables, from a mapping instead of this process."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._given = {name.lower(): value for name, value in variables.items()}
        super().__init__(Settings)

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
    ours = {n: v for n, v in variables.items() if n.upper().startswith(PREFIX) and v != ""}
    for name in sorted(json_variables() & {name.upper() for name in ours}):
        given = next(n for n in ours if n.upper() == name)
        if not _is_object(ours[given]):
            del ours[given]
            problems.append(f"{given}: is not valid JSON of an object, like {{...}}")
    return dict(_Environment(ours)())


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def unknown(variables: Mapping[str, str], where: str) -> Iterator[str]:
    """Name variables that look like settings and are none, with the nearest that is one."""
    known = [*variable_names(), *PREFECTS]
    for name in variables:
        word = name.upper()
        meant = word.startswith(PREFIX) or ("NAVER" in word and _is_near(word, known))
        if meant and word not in known:
            yield f"{name}: unknown setting in {where}; {suggest_nearest(word, known)}"


def _is_near(word: str, known: list[str]) -> bool:
    return bool(get_close_matches(word, known, n=1, cutoff=0.9))
