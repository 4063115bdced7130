"""Reading the templates, and everything that can be wrong with a text before it is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, SecretStr
from pydantic import Field as Key

from naverplace.base.errors import CannotDecide
from naverplace.base.korean_text import name_signs, unsendable
from naverplace.base.registry import suggest_nearest
from naverplace.base.yaml_nodes import ErrorList, Node, Position, load_yaml
from naverplace.base.yaml_validation import validate_node
from naverplace.domain.extra_fields import Field
from naverplace.domain.stores import Store
from naverplace.rules.templates import (
    AD_WINDOW,
    Access,
    CompiledText,
    Template,
    TemplateEntry,
    Wrong,
    compile_text,
    open_access,
    sample_bookings,
)

AD_LABEL = "(광고)"
_OPT_OUT = re.compile(r"무료\s?수신거부\D{0,3}080[\d-]{7,9}$")
_SPEAKS = ("booking", "store", "access")


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    templates: dict[Annotated[str, Key(pattern=r"^[a-z][a-z0-9_]{0,59}$")], TemplateEntry]


class TemplateLoader:
    """Reads template files, and checks each template for every store that it is for."""

    def __init__(
        self,
        *,
        stores: Mapping[str, Store],
        fields: tuple[Field, ...],
        access: Access | None,
        problems: ErrorList,
    ) -> None:
        self.stores, self.fields, self.access = stores, fields, access
        self.problems = problems
        self.templates: dict[str, Template] = {}
        self.seen: dict[str, Position] = {}  # wrong ones too, so that no rule is blamed for them

    def read(self, path: Path) -> None:
        """Read one file's templates; mistakes are noted, not raised."""
        node = load_yaml(path, self.problems)
        read = validate_node(_File, node, self.problems) if node else None
        group = node.value.get("templates") if node and isinstance(node.value, dict) else None
        if group is None or not isinstance(group.value, dict):
            return
        for name, place in group.keys.items():
            if name in self.seen:
                first = self.seen[name]
                self.problems.note(place, f"template {name!r} stands here twice, see {first}")
            elif read:
                self._take(name, read.templates[name], group.value[name])
            self.seen.setdefault(name, place)

    def _take(self, name: str, entry: TemplateEntry, node: Node) -> None:
        if (entry.text is None) == (entry.stores is None):
            self.problems.note(node.place, "needs either 'text', or 'stores' with a text for each")
            return
        if entry.stores is not None:
            self._check_stores(node.value["stores"])
        sources = {"": entry.text or ""} if entry.stores is None else entry.stores
        nodes = {"": node.value["text"]} if entry.stores is None else node.value["stores"].value
        subject = self._compile(entry.subject, node.value.get("subject", node))
        texts = {key: self._compile(source, nodes[key]) for key, source in sources.items()}
        compiled = {key: text for key, text in texts.items() if text}
        if subject is None or len(compiled) < len(texts):
            return
        template = Template(name, entry, subject, compiled)
        self._check_window(template, node)
        for store in self.stores.values():
            key = store.id if template.per_store else ""
            if key in compiled:
                for problem in self._tried(template, compiled[key], store):
                    self.problems.note(nodes[key].place, problem)
        self.templates[name] = template

    def _check_stores(self, group: Node) -> None:
        for store_id, place in group.keys.items():
            if store_id not in self.stores:
                hint = suggest_nearest(store_id, list(self.stores))
                self.problems.note(place, f"unknown store {store_id!r}; {hint}")
        for store_id, store in self.stores.items():
            if store_id not in group.keys:
                self.problems.note(group.place, f"no text for store {store_id} ({store.alias})")

    def _compile(self, source: str, node: Node) -> CompiledText | None:
        strange = unsendable(source.replace("\n", ""))
        for sign in strange:
            self.problems.note(
                node.find(sign), f"{name_signs(sign)} cannot be sent: EUC-KR has no such sign"
            )
        read = compile_text(source, fields=self.fields, speaks=_SPEAKS)
        if isinstance(read, CompiledText):
            return None if strange else read
        for wrong in read:
            self.problems.note(place_of(wrong, node), wrong.what)
        return None

    def _check_window(self, template: Template, node: Node) -> None:
        window = template.entry.send_between
        if not (template.entry.advertisement and window):
            return
        if window[0] < AD_WINDOW[0] or window[1] > AD_WINDOW[1]:
            place = node.value["send_between"].place
            self.problems.note(place, "an advertisement may be sent from 08:00 to 20:50 only")

    def _tried(self, template: Template, text: CompiledText, store: Store) -> Iterator[str]:
        words = dict.fromkeys((*template.subject.access_words, *text.access_words))
        access = self.access
        if access is None:
            access = {store.id: {word: SecretStr("0000000000") for word in words}}
        lacking = list(_access_problems(words, open_access(access, store.id), store))
        yield from lacking
        if lacking:
            return
        try:
            first, *others = [
                template.render(booking, store, access) for booking in sample_bookings(self.fields)
            ]
        except CannotDecide as error:
            yield f"for store {store.id}: {error}"
            return
        if first in others:
            yield (
                "two bookings of one customer would get the same message: write "
                "{{ booking.start }}, or {{ booking.date }} and {{ booking.time }}"
            )
        yield from _ad_problems(template, first.text)


def _access_problems(
    words: Mapping[str, None], said: Mapping[str, str], store: Store
) -> Iterator[str]:
    for word in words:
        if word not in said:
            yield (
                f"store {store.id} ({store.alias}) has no access.{word}: set it in "
                f'NAVERPLACE_ACCESS, like {{"{store.id}": {{"{word}": "..."}}}}'
            )
        elif unsendable(said[word].replace("\n", "")):
            yield f"access.{word} of store {store.id} holds a sign that EUC-KR lacks"


def _ad_problems(template: Template, text: str) -> Iterator[str]:
    """Check what the law asks of an advertisement (outside-services: Advertising law)."""
    if template.entry.advertisement:
        if not text.startswith(AD_LABEL):
            yield f"an advertisement must begin with {AD_LABEL}"
        if not _OPT_OUT.search(text):
            yield "an advertisement must end with its free opt-out, like 무료수신거부 080-000-0000"
    elif text.startswith(AD_LABEL):
        yield f"begins with {AD_LABEL}, so it needs advertisement: true"


def place_of(wrong: Wrong, node: Node) -> Position:
    """Find the mistake of a text in its file."""
    if wrong.find:
        return node.find(wrong.find)
    # A text that is written as a block begins on the line after its | sign.
    block = node.source[:1] in ("|", ">")
    place = node.place
    if wrong.line > 1 or block:
        return place._replace(line=place.line + wrong.line - (not block), column=1)
    return place
