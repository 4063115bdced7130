"""How long the texts are at most, and which of them could be an SMS with a little less; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from pydantic import SecretStr

from naverplace.base.errors import CannotDecide
from naverplace.base.korean_text import size
from naverplace.domain.stores import Store
from naverplace.rules.rulebook import Rulebook
from naverplace.rules.templates import SMS_BYTES, Access, Template, sample_bookings

UNKNOWN_CODE = "0000000000"  # stands for access data that nobody has told us


@dataclass(frozen=True)
class TextSize:
    """The bytes of one text for a customer with a long name, on a day with many letters."""

    template: str
    store_id: str
    message_type: str
    text_bytes: int
    subject_bytes: int

    @property
    def over(self) -> int:
        """Count the bytes that it has more than an SMS takes; 0 when only its subject is."""
        return max(0, self.text_bytes - SMS_BYTES)


def text_sizes(book: Rulebook) -> Iterator[TextSize]:
    """Measure every text that an enabled rule sends, for every store that it may go out for."""
    for store in book.stores.values():
        for usual in sorted(book.sent_templates):
            name = (store.templates or {}).get(usual, usual)
            if template := book.templates.get(name):
                try:
                    yield size_of(template, store, book)
                except CannotDecide:
                    continue  # `rules check` names what cannot be filled in


def size_of(template: Template, store: Store, book: Rulebook) -> TextSize:
    """Measure one text at its longest. Raises CannotDecide."""
    booking = sample_bookings(tuple(book.fields.values()))[0]
    sample = template.render(booking, store, access_or_sample(template, store, book.access))
    return TextSize(
        template.name, store.id, sample.message_type, size(sample.text), size(sample.subject)
    )


def with_sample_access(book: Rulebook) -> Rulebook:
    """Give the same rulebook with digits for access data, so that no secret is needed to ask it."""
    samples: dict[str, dict[str, SecretStr]] = {store_id: {} for store_id in book.stores}
    for template in book.templates.values():
        for store in book.stores.values():
            samples[store.id].update(access_or_sample(template, store, None)[store.id])
    return replace(book, access=samples)


def access_or_sample(template: Template, store: Store, access: Access | None) -> Access:
    """Give a store's access data, with digits where the settings tell none."""
    text = template.texts.get("", template.texts.get(store.id))
    words = (*template.subject.access_words, *(text.access_words if text else ()))
    told: Mapping[str, SecretStr] = (access or {}).get(store.id, {})
    return {store.id: {**dict.fromkeys(words, SecretStr(UNKNOWN_CODE)), **told}}
