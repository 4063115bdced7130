"""Reads a Dockerfile into stages, and refuses whatever it would carry out wrongly."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

KNOWN = {
    *("FROM", "ARG", "ENV", "RUN", "COPY", "WORKDIR", "USER"),
    *("SHELL", "LABEL", "HEALTHCHECK", "ENTRYPOINT", "CMD"),
}
COPY_FLAGS = {"from"}
VARIABLE = re.compile(r"\$(?:\{(?P<braced>[A-Za-z_]\w*)\}|(?P<plain>[A-Za-z_]\w*))")


class NotUnderstood(Exception):
    """An instruction that would not be carried out as Docker does it."""


@dataclass(frozen=True)
class Instruction:
    """One instruction, its continued lines joined; `flags` are its leading --name=value."""

    line: int
    name: str
    text: str
    flags: Mapping[str, str] = field(default_factory=dict)

    def words(self) -> list[str]:
        """Split the text as a shell does."""
        return shlex.split(self.text)

    def listed(self) -> list[str]:
        """Read the exec form; raises NotUnderstood at the shell form, which would start a shell."""
        try:
            found = json.loads(self.text)
        except ValueError:
            found = None
        if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
            raise NotUnderstood(f'line {self.line}: {self.name} needs the form ["word", ...]')
        return found

    def pairs(self) -> dict[str, str]:
        """Read NAME=value words, as ENV, ARG and LABEL have them."""
        pairs = {}
        for word in self.words():
            name, equals, value = word.partition("=")
            if not equals and self.name != "ARG":
                raise NotUnderstood(f"line {self.line}: {self.name} needs NAME=value")
            pairs[name] = value
        return pairs


@dataclass
class Stage:
    """What stands between one FROM and the next."""

    name: str
    base: str
    instructions: list[Instruction] = field(default_factory=list)

    def all_of(self, name: str) -> list[Instruction]:
        """List the instructions of one kind."""
        return [one for one in self.instructions if one.name == name]

    def last(self, name: str) -> Instruction:
        """Give the one that counts; raises NotUnderstood when there is none."""
        found = self.all_of(name)
        if not found:
            raise NotUnderstood(f"stage {self.name} has no {name}")
        return found[-1]


def read_dockerfile(path: Path, *, build_args: Mapping[str, str] | None = None) -> list[Stage]:
    """Read the stages; raises NotUnderstood with the line of what is not carried out here."""
    given, outside, stages = dict(build_args or {}), dict[str, str](), list[Stage]()
    for one in instructions(path.read_text("utf-8")):
        if one.name == "FROM":
            words = expand(one.text, outside).split()
            if len(words) != 3 or words[1].upper() != "AS":
                raise NotUnderstood(f"line {one.line}: FROM needs a name: FROM base AS name")
            stages.append(Stage(words[2], words[0]))
        elif stages:
            stages[-1].instructions.append(one)
        elif one.name == "ARG":
            outside |= one.pairs() | {key: given[key] for key in one.pairs() if key in given}
        else:
            raise NotUnderstood(f"line {one.line}: {one.name} before the first FROM")
    return stages


def instructions(text: str) -> list[Instruction]:
    """Split a Dockerfile; comments inside of continued lines vanish, as Docker has it."""
    found, pending, began = list[Instruction](), "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("#") or (not line.strip() and not pending):
            continue
        began = began if pending else number
        pending += line.removesuffix("\\").rstrip() + " "
        if not line.rstrip().endswith("\\"):
            found.append(_instruction(began, pending.strip()))
            pending = ""
    if pending:
        raise NotUnderstood(f"line {began}: the file ends in a continued line")
    return found


def _instruction(line: int, text: str) -> Instruction:
    name, _, rest = text.partition(" ")
    name, rest = name.upper(), rest.strip()
    if name not in KNOWN:
        raise NotUnderstood(f"line {line}: {name} is not carried out here")
    flags = {}
    while name in ("COPY", "RUN", "HEALTHCHECK", "FROM") and rest.startswith("--"):
        flag, _, rest = rest.partition(" ")
        key, _, value = flag.removeprefix("--").partition("=")
        flags[key], rest = value, rest.strip()
        if name in ("RUN", "FROM") or (name == "COPY" and key not in COPY_FLAGS):
            raise NotUnderstood(f"line {line}: {name} --{key} is not carried out here")
    if "<<" in rest and name in ("RUN", "COPY"):
        raise NotUnderstood(f"line {line}: {name} with << is not carried out here")
    return Instruction(line, name, rest, flags)


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Put variables in; like Docker, one that is not set is empty."""
    return VARIABLE.sub(lambda m: variables.get(m["braced"] or m["plain"], ""), text)
