"""How conditions, actions and checks sign in by name."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, TypeVar

from naverplace.base.translation import gettext as _

F = TypeVar("F", bound=Callable[..., Any])


class Registry(dict[str, Callable[..., Any]]):
    """Functions by the word that YAML uses for them, which is the function's own name."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what

    def __call__(self, function: F) -> F:
        """Sign the function in; raises ValueError when the word is taken."""
        name = function.__name__
        if name in self:
            raise ValueError(f"{self.what} {name!r} is registered twice")
        self[name] = function
        return function


def suggest_nearest(word: str, known: list[str] | tuple[str, ...]) -> str:
    """Word a hint: the nearest known word, or all of them when none is near."""
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return _("did you mean {word!r}?").format(word=close[0])
    if not known:
        return _("none is known")
    return _("known: {words}").format(words=", ".join(sorted(known)))
