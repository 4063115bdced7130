"""Reading the templates, and everything that can be wrong with a text before it is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import SecretStr

from naverplace.base.errors import CannotDecide
from naverplace.base.korean_text import name_signs, unsendable
from naverplace.base.registry import suggest_nearest
from naverplace.base.translation import gettext as _
from naverplace.base.translation import gettext_noop as N_
from naverplace.base.yaml_nodes import ErrorList, Node, Position, load_yaml
from naverplace.base.yaml_validation import Matching, YamlModel, validate_node
from naverplace.domain.extra_fields import Field
from naverplace.domain.stores import Store
from naverplace.rules.templates import (
    AD_WINDOW,
    Access,
    CompiledText,
    Template,
    TemplateEntry,
    Unsendable,
    Wrong,
    compile_text,
    open_access,
    sample_bookings,
)

AD_LABEL = "(광고)"
_OPT_OUT = re.compile(r"무료\s?수신거부\D{0,3}080[\d-]{7,9}$")
_SPEAKS = ("booking", "store", "access")


TEMPLATE_NAME = Matching(
    r"[a-z][a-z0-9_]{0,59}",
    N_("small letters, digits and _, with a letter first, 60 at most"),
    "^[a-z][a-z0-9_]{0,59}$",
)


class TemplatesFile(YamlModel):
    """One of the files rules/templates*.yaml."""

    templates: dict[Annotated[str, TEMPLATE_NAME], TemplateEntry]


class TemplateLoader:
    """Reads template files, and checks each template for every store that it is for."""

    def __init__(
        self,
        *,
        stores: Mapping[str, Store] | None,
        fields: tuple[Field, ...] | None,
        access: Access | None,
        problems: ErrorList,
    ) -> None:
        self.stores, self.fields, self.access = stores, fields, access
        self.problems = problems
        self.templates: dict[str, Template] = {}
        self.seen: dict[str, Position] = {}  # wrong ones too, so that no rule is blamed for them
        self.unreadable = False  # of some file nobody can tell which templates it has
        self._lacking: set[tuple[str, str]] = set()  # access data that were named already

    def read(self, path: Path) -> None:
        """Read one file's templates; mistakes are noted, not raised."""
        node = load_yaml(path, self.problems)
        read = validate_node(TemplatesFile, node, self.problems) if node else None
        group = node.value.get("templates") if node and isinstance(node.value, dict) else None
        if group is None or not isinstance(group.value, dict):
            self.unreadable = True
            return
        for name, place in group.keys.items():
            if name in self.seen:
                words = _("template {name!r} stands here twice, see {first}")
                self.problems.note(place, words.format(name=name, first=self.seen[name]))
            else:
                self._take(name, group.value[name], read.templates[name] if read else None)
            self.seen.setdefault(name, place)

    def _take(self, name: str, node: Node, entry: TemplateEntry | None) -> None:
        if entry is None:  # its file has mistakes, but perhaps not here
            entry = validate_node(TemplateEntry, node, ErrorList())
        if entry is None:
            return
        if (entry.text is None) == (entry.stores is None):
            words = _("needs either 'text', or 'stores' with a text for each")
            self.problems.note(node.place, words)
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
        template = Template(name, entry, subject, compiled, nodes)
        self._check_window(template, node)
        self._try(template, node)
        self.templates[name] = template

    def _try(self, template: Template, node: Node) -> None:
        """Fill a template in for every store; what is wrong for several is told once."""
        worst: dict[tuple[Position, str], Unsendable] = {}
        for store in (self.stores or {}).values():
            key = store.id if template.per_store else ""
            if key not in template.texts:
                continue
            text = template.nodes[key]
            for objection in self._tried(template, template.texts[key], store):
                of_subject = objection.what == "subject" and "subject" in node.value
                place = node.value["subject"].place if of_subject else text.place
                kind = objection.what if objection.taken else str(objection)
                found = worst.setdefault((place, kind), objection)
                worst[place, kind] = max(found, objection, key=lambda known: known.taken)
        for (place, _kind), objection in worst.items():
            self.problems.note(place, str(objection))

    def _check_stores(self, group: Node) -> None:
        if self.stores is None:
            return
        for store_id, place in group.keys.items():
            if store_id not in self.stores:
                hint = suggest_nearest(store_id, list(self.stores))
                words = _("unknown store {word!r}; {hint}").format(word=store_id, hint=hint)
                self.problems.note(place, words)
        for store_id, store in self.stores.items():
            if store_id not in group.keys:
                words = _("no text for store {store} ({alias})")
                self.problems.note(group.place, words.format(store=store_id, alias=store.alias))

    def _compile(self, source: str, node: Node) -> CompiledText | None:
        strange = unsendable(source.replace("\n", ""))
        for sign in strange:
            words = _("{sign} cannot be sent: EUC-KR has no such sign")
            self.problems.note(node.find(sign), words.format(sign=name_signs(sign)))
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
            words = _("an advertisement may be sent from 08:00 to 20:50 only")
            self.problems.note(place, words)

    def _tried(self, template: Template, text: CompiledText, store: Store) -> Iterator[Unsendable]:
        needed = dict.fromkeys((*template.subject.access_words, *text.access_words))
        access = self.access
        if access is None:
            access = {store.id: {word: SecretStr("0000000000") for word in needed}}
        said = open_access(access, store.id)
        for word in needed:
            yield from self._access_problems(word, said, store)
        if any(word not in said or _strange(said[word]) for word in needed):
            return
        fields = tuple(dict.fromkeys((*template.subject.fields, *text.fields)))
        filled: list[tuple[str, str]] = []
        try:
            for booking in sample_bookings(fields):
                subject = template.subject.render(booking, store, said)
                filled.append((subject, text.render(booking, store, said)))
        except CannotDecide as error:
            yield Unsendable(str(error), what="text")
            return
        yield from template.objections(*filled[0])
        if filled[0] in filled[1:]:
            words = _(
                "two bookings of one customer would get the same message: write "
                "{{ booking.start }}, or {{ booking.date }} and {{ booking.time }}"
            )
            yield Unsendable(words, what="text")
        for problem in _ad_problems(template, filled[0][1], store):
            yield Unsendable(problem, what="text")

    def _access_problems(
        self, word: str, said: Mapping[str, str], store: Store
    ) -> Iterator[Unsendable]:
        if (store.id, word) in self._lacking:
            return
        about = {"store": store.id, "alias": store.alias, "word": word}
        if word not in said:
            words = _(
                "store {store} ({alias}) has no access.{word}: set it in NAVERPLACE_ACCESS, "
                'like {{"{store}": {{"{word}": "..."}}}}'
            )
        elif _strange(said[word]):
            words = _("access.{word} of store {store} ({alias}) holds a sign that EUC-KR lacks")
        else:
            return
        self._lacking.add((store.id, word))
        yield Unsendable(words.format(**about), what="text")


def _strange(said: str) -> list[str]:
    return unsendable(said.replace("\n", ""))


def _ad_problems(template: Template, text: str, store: Store) -> Iterator[str]:
    """Check what the law asks of an advertisement (outside-services: Advertising law)."""
    if template.entry.advertisement:
        if not text.startswith(AD_LABEL):
            yield _("an advertisement must begin with (광고)")
        if store.name not in text and store.alias not in text:
            yield _("an advertisement must name its sender: write {{ store.name }}")
        if not _OPT_OUT.search(text):
            yield _(
                "an advertisement must end with its free opt-out, like 무료수신거부 080-000-0000"
            )
    elif text.startswith(AD_LABEL):
        yield _("begins with (광고), so it needs advertisement: true")


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
