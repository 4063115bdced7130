"""The build context: what .dockerignore lets in, and nothing else."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path


def read_context(folder: Path, ignore_file: Path | None = None) -> list[Path]:
    """List the files a COPY may see, by their paths inside of `folder`."""
    rules = _rules((ignore_file or folder / ".dockerignore").read_text("utf-8"))
    skipped = {".git", ".venv"}  # never let in: not walking them is only faster
    found = []
    for top in sorted(folder.iterdir()):
        if top.name in skipped:
            continue
        paths = [top] if top.is_file() else sorted(top.rglob("*"))
        found += [
            path.relative_to(folder)
            for path in paths
            if path.is_file() and lets_in(path.relative_to(folder).as_posix(), rules)
        ]
    return found


def lets_in(path: str, rules: list[tuple[bool, str]]) -> bool:
    """Tell whether a file comes in: the last rule that fits it, or a folder it is in, decides."""
    inside = True
    parents = ["/".join(path.split("/")[:count]) for count in range(1, path.count("/") + 2)]
    for allowed, pattern in rules:
        if any(_compiled(pattern).fullmatch(part) for part in parents):
            inside = allowed
    return inside


def _rules(text: str) -> list[tuple[bool, str]]:
    lines = [line.strip() for line in text.splitlines()]
    return [
        (line.startswith("!"), line.removeprefix("!").strip("/"))
        for line in lines
        if line and not line.startswith("#")
    ]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Translate Docker's patterns: * and ? stay within a folder, ** means any number of folders."""
    out = ""
    for part in re.split(r"(\*\*/?|\*|\?)", pattern):
        if part.startswith("**"):
            out += "(?:.*/)?" if part.endswith("/") else ".*"
        else:
            out += {"*": "[^/]*", "?": "[^/]"}.get(part, re.escape(part))
    return re.compile(out)
