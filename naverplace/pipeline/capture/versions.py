"""Which rules and which settings a run had, as short hashes: alike for alike ones."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from naverplace.base.setting_types import Section
from naverplace.settings.env_names import is_secret
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


def _told(section: Section) -> dict[str, Any]:
    return {
        name: _told(value) if isinstance(value, Section) else value
        for name, value in section
        if not is_secret(type(section).model_fields[name])
    }
