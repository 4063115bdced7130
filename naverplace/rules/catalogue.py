"""rules/README.md, written from the conditions and actions themselves."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from naverplace.base.page_templates import page_templates
from naverplace.base.registry import Registry
from naverplace.base.translation import gettext_noop as N_
from naverplace.base.translation import in_both
from naverplace.rules.actions import ACTIONS
from naverplace.rules.conditions import CONDITIONS
from naverplace.rules.parameters import parameters_of
from naverplace.rules.templates import BOOKING_WORDS, STORE_WORDS


def catalogue() -> str:
    """Write the page of everything that rules and texts may say."""
    page = page_templates("naverplace.rules").get_template("catalogue.md.j2")
    return page.render(
        conditions=_entries(CONDITIONS),
        actions=_entries(ACTIONS),
        booking_words=BOOKING_WORDS,
        store_words=STORE_WORDS,
    )


def _entries(registry: Registry) -> Iterator[tuple[str, str, dict[str, str], str]]:
    for word, function in sorted(registry.items()):
        words, example = described(function)
        fields = parameters_of(function).model_fields
        defaults = {
            name: in_both(N_("required"), " · ")
            if said.is_required()
            else in_both(N_("default: {value}"), " · ").format(value=_yaml(said.default))
            for name, said in fields.items()
        }
        yield word, in_both(words), defaults, example


def described(function: Callable[..., Any]) -> tuple[str, str]:
    """Split a docstring into its words and its YAML, which begins with the first dash."""
    words, dash, example = inspect.cleandoc(function.__doc__ or "").partition("- ")
    return words.strip(), textwrap.dedent(words.rpartition("\n")[2] + dash + example)


def _yaml(value: object) -> str:
    return {"True": "true", "False": "false", "None": "nothing"}.get(str(value), str(value))
