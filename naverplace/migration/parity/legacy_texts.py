"""The legacy's own texts, and what may be added to each of them: deployments/legacy-texts.yaml.

The real file is private, as the legacy's templates are; the shipped one fits the shipped templates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr, field_validator, model_validator

from naverplace.base.errors import Permanent
from naverplace.base.registry import suggest_nearest
from naverplace.base.yaml_validation import YamlModel, read_yaml
from naverplace.domain.stores import Store

DOOR_WORDS = ("door_code", "wifi_key")
WORDS = ("name", "store", "start", "booking_num")  # of a booking, in `added`


class TextOfKind(YamlModel):
    """One kind's text, what the new one adds to it, and how the new subject begins."""

    text: str | None = None  # one for all stores ...
    # ... or one for each; null for a store whose guide the legacy posts without a text (L17).
    stores: Mapping[str, str | None] | None = None
    # Pieces that only the new text has, each once and in this order; {name}, {store}, {start} and
    # {booking_num} stand for the booking's own.
    added: tuple[str, ...] = ()
    subject_now: str  # before the store's alias

    @field_validator("added")
    @classmethod
    def _names_known_words(cls, pieces: tuple[str, ...]) -> tuple[str, ...]:
        for piece in pieces:
            for word in re.findall(r"\{([^}]*)\}?", piece):
                if word not in WORDS:
                    raise ValueError(f"unknown word {{{word}}}; {suggest_nearest(word, WORDS)}")
        return pieces

    @model_validator(mode="after")
    def _has_one_kind_of_text(self) -> TextOfKind:
        if (self.text is None) == (self.stores is None):
            raise ValueError("needs `text` for all stores, or `stores` with a text for each")
        return self


class LegacyTexts(YamlModel):
    """The file, with the access data filled in; its repr shows nothing of it."""

    subject: str
    confirmation: TextOfKind
    guide: TextOfKind
    event: TextOfKind

    def __repr__(self) -> str:
        """Show no door code."""
        return "LegacyTexts()"

    def of(self, kind: str) -> TextOfKind | None:
        """Give one kind's texts; None for a kind that the legacy does not know."""
        return getattr(self, kind) if kind in ("confirmation", "guide", "event") else None


def load_legacy_texts(
    path: Path, access: Mapping[str, Mapping[str, SecretStr]] | None, store_ids: Iterable[str]
) -> LegacyTexts:
    """Read the texts and put each store's access data in for {door_code} and the like.

    Raises Permanent with the place of what is wrong; the texts themselves are never quoted.
    """
    texts = read_yaml(LegacyTexts, path)
    _check_guides(path, texts, store_ids)
    guides = {s: t and _opened(t, access, s) for s, t in (texts.guide.stores or {}).items()}
    guide = texts.guide.model_copy(update={"stores": guides})
    return texts.model_copy(update={"guide": guide})


def _check_guides(path: Path, texts: LegacyTexts, store_ids: Iterable[str]) -> None:
    """Refuse what the legacy does not know: one guide for all, or a store without any."""
    if missing := [s for s in store_ids if s not in (texts.guide.stores or {})]:
        raise Permanent(f"{path}: guide.stores: no text for store {', '.join(missing)}")
    for kind in ("confirmation", "event"):
        if getattr(texts, kind).text is None:
            raise Permanent(f"{path}: {kind}: the legacy has one text for all stores: write `text`")


def words_for_model(
    texts: LegacyTexts, *, sender: str, stores: Mapping[str, Store]
) -> dict[str, Any]:
    """Give what the modelled legacy's `Texts` takes, by name."""
    return {
        "subject": texts.subject,
        "confirmation": texts.confirmation.text or "",
        "event": texts.event.text or "",
        "guides": {s: text for s, text in (texts.guide.stores or {}).items() if text is not None},
        "sender": sender,
        "guide_senders": {s: store.sender for s, store in stores.items() if store.sender},  # L18
    }


def _opened(text: str, access: Mapping[str, Mapping[str, SecretStr]] | None, store_id: str) -> str:
    for word in DOOR_WORDS:
        if "{" + word + "}" not in text:
            continue
        secret = (access or {}).get(store_id, {}).get(word)
        if secret is None:
            raise Permanent(
                f"legacy texts: store {store_id} needs {word}, which NAVERPLACE_ACCESS does not "
                "have: set it, or write the text without it"
            )
        text = text.replace("{" + word + "}", secret.get_secret_value())
    return text
