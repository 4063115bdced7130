"""Which rules and which settings a run had, as short hashes: alike for alike ones."""

from __future__ import annotations

import hashlib
import json
from operator import attrgetter
from pathlib import Path

from naverplace.settings.env_names import fields, is_secret, section_of
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
    told = {
        name: attrgetter(name)(settings)
        for path, field in fields()
        if not (section_of(field) or is_secret(field)) and (name := ".".join(path))
    }
    return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()[:16]
