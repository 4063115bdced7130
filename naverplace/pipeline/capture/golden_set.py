"""Golden sets: inputs of many runs in one file, gzip of JSON lines, the first of which is a head.

The form is the only thing that is checked here: whether the people in it are invented or
pseudonyms is the matter of who writes it.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from naverplace.base.errors import Permanent
from naverplace.pipeline.capture.bundle import DAMAGED
from naverplace.pipeline.capture.inputs import Inputs, aware, dumps, from_json, to_json

VERSION = 1


def write_golden(path: Path, inputs: Iterable[Inputs], *, expires: datetime | None = None) -> int:
    """Write a golden set and return how many runs it holds; equal inputs give equal bytes.

    A reader without a whole file is never left behind: the file gets its name when it is complete.
    """
    head = {"golden": VERSION, "expires": expires}
    unfinished = path.with_name(path.name + ".part")
    count = 0
    with unfinished.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as file:
        file.write(f"{dumps(head)}\n".encode())
        for each in inputs:
            file.write(f"{dumps(to_json(each))}\n".encode())
            count += 1
    unfinished.replace(path)
    return count


def read_golden(path: Path, *, now: datetime | None = None) -> Iterator[Inputs]:
    """Read a golden set, one run at a time. Raises Permanent: no such set, or expired at `now`."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            expires = _expiry(path, file.readline())
            if now and expires and expires <= now:
                raise Permanent(
                    f"{path}: expired {expires:%Y-%m-%d}; remove it, and make another one: "
                    "naverplace bundles golden"
                )
            for number, line in enumerate(file, start=2):
                try:
                    yield from_json(json.loads(line))
                except (ValueError, Permanent):
                    raise Permanent(f"{path}:{number}: holds no inputs of a run") from None
    except DAMAGED as error:
        raise Permanent(f"{path}: is no golden set, or damaged ({type(error).__name__})") from None


def _expiry(path: Path, line: str) -> datetime | None:
    try:
        head: Any = json.loads(line)
        version, expires = head["golden"], head["expires"]
        if version != VERSION:
            raise Permanent(f"{path}: golden set of version {version!r}; this reads {VERSION}")
        return aware(expires) if expires else None
    except (ValueError, KeyError, TypeError):
        raise Permanent(f"{path}: is no golden set: its first line is no head") from None
