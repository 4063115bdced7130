"""Which rules and which settings a run had, as short hashes: alike for alike ones."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from naverplace.settings.env_names import is_secret, section_of
from naverplace.settings.schema import Settings


def rules_version(folder: Path) -> str:
    """Hash names and contents of every file below the folder of the rules."""
    hashed = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name, content = path.relative_to(folder).as_posix().encode(), path.read_bytes()
        hashed.update(b"%d %s %d " % (len(name), name, len(content)) + content)
    return hashed.hexdigest()[:16]


def settings_version(settings: Settings) -> str:
    """Hash every setting that is no secret."""
    told = json.dumps(_told(settings), sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _told(section: BaseModel) -> dict[str, Any]:
    told = {}
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if section_of(field) and isinstance(value, BaseModel):
            told[name] = _told(value)
        elif not is_secret(field):
            told[name] = value
    return told
