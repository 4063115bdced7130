"""The help of the commands in the reader's language, which is chosen before anything is said."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from typer import rich_utils
from typer.core import TyperGroup

from naverplace.base.translation import gettext as _
from naverplace.base.translation import language_of, use_language
from naverplace.settings.env_names import read_env_file

# Commands of engineers and machines, whose help stays English.
NOT_THE_OWNERS = (
    *("init-tables", "env-example", "reconcile", "drain", "document", "watchdog", "retention"),
    *("cutover", "rollback", "owners", "bundles", "parity"),
)


class TranslatedGroup(TyperGroup):
    """The root of all commands."""

    def make_context(self, *args: Any, **more: Any) -> Any:
        """Choose the language, by the environment or else by `.env`."""
        use_language(language_of({**read_env_file(Path(".env"), []), **os.environ}))
        for name in ("Arguments", "Options", "Commands"):
            setattr(rich_utils, f"{name.upper()}_PANEL_TITLE", _(name))
        translate_help(self)
        return super().make_context(*args, **more)


def translate_help(command: Any) -> None:
    """Put a command's help, and that of its own commands, into the reader's language."""
    command.help = command.help and _(command.help)
    for parameter in command.params:
        if text := getattr(parameter, "help", None):
            parameter.help = _(text)
    for name, part in getattr(command, "commands", {}).items():
        if name not in NOT_THE_OWNERS:
            translate_help(part)


def help_texts(command: Any) -> set[str]:
    """List what `translate_help` looks up."""
    texts = {command.help or "", *(getattr(p, "help", None) or "" for p in command.params)}
    for name, part in getattr(command, "commands", {}).items():
        if name not in NOT_THE_OWNERS:
            texts |= help_texts(part)
    return texts - {""}
