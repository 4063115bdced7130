"""What is allowed in rules and texts, and hardly meant: told by `naverplace rules check`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr

from naverplace.base.clock import SEOUL
from naverplace.base.errors import CannotDecide
from naverplace.base.korean_text import size
from naverplace.base.registry import suggest_nearest
from naverplace.base.translation import gettext as _
from naverplace.base.yaml_nodes import ErrorList, Node, Position
from naverplace.domain.booking import Booking
from naverplace.domain.stores import Store
from naverplace.rules.rule_logic import find_clash, ways_of
from naverplace.rules.rule_parser import Rule
from naverplace.rules.rulebook import Rulebook
from naverplace.rules.templates import (
    SMS_BYTES,
    Access,
    CompiledText,
    Template,
    open_access,
    sample_bookings,
)

_EARLIEST = datetime(2026, 1, 1, 1, 0, tzinfo=SEOUL)  # takes the fewest bytes in words
_NOT_OURS = (".", "#", "README")  # hidden files, an editor's own, the catalogue
# A word for a secret, and soon after it something like one: four signs or more, one a digit.
_SECRET = re.compile(
    r"(?:비밀\s?번호|비번|암호|패스워드|코드|도어락|와이파이|wi-?fi|pass\s?word|pass\s?code|\bpin\b)"
    r"[^\n{}]{0,8}?[\s:：=은는이가](?P<secret>(?=[\x21-\x7a]*\d)[\x21-\x7a]{4,}+)"
    r"(?!\s?[원분초층호년월일번개명시%])",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(r"0\d{1,2}-?\d{3,4}-?\d{4}\D*|https?:.*")  # a phone, an address


def find_warnings(book: Rulebook, rules_dir: Path, *, access: Access | None = None) -> list[str]:
    """List what somebody should look at, each as `file:line:column: text`.

    `access`: the door codes and other secrets that are known here, to be found in the texts.
    """
    noted, secrets = ErrorList(), _secrets_of(access)
    for rule in book.rules:
        _check_can_fire(rule, book, noted)
        _check_tests(rule, book, noted)
    _check_twins(book, noted)
    for template in book.templates.values():
        _check_type(template, book, noted)
        for node in template.nodes.values():
            _check_secrets(node, secrets, noted)
    _check_unread(rules_dir, noted)
    return noted.lines()


def _check_can_fire(rule: Rule, book: Rulebook, noted: ErrorList) -> None:
    clashes = [find_clash(way, book.stores) for way in ways_of(rule.when)]
    if clashes and all(clashes) and (clash := clashes[0]):
        words = _(
            "rule {rule!r} can never fire: {second} cannot hold together with {first} "
            "in line {line}"
        )
        about = {"rule": rule.name, "first": clash.first.text, "second": clash.second.text}
        noted.note(clash.second.place, words.format(**about, line=clash.first.place.line))


def _check_tests(rule: Rule, book: Rulebook, noted: ErrorList) -> None:
    """Name tests that are left out, since their store is gone."""
    for test in rule.tests:
        store = test.given.store
        if store is not None and store not in book.stores:
            words = _("this test is left out: there is no store {store!r}; {hint}")
            hint = suggest_nearest(store, list(book.stores))
            noted.note(test.place, words.format(store=store, hint=hint))


def _check_twins(book: Rulebook, noted: ErrorList) -> None:
    """Name enabled rules that hold for the same bookings at the same moments."""
    known: dict[frozenset[frozenset[object]], Rule] = {}
    for rule in (rule for rule in book.rules if rule.enabled):
        ways = frozenset(
            frozenset(required.meaning for required in way) for way in ways_of(rule.when)
        )
        twin = known.setdefault(ways, rule) if ways else rule
        if twin is not rule:
            words = _(
                "rules {rule!r} and {twin!r} ({place}) always fire together: "
                "write their actions under one rule, or tell them apart"
            )
            noted.note(rule.place, words.format(rule=rule.name, twin=twin.name, place=twin.place))


def _check_type(template: Template, book: Rulebook, noted: ErrorList) -> None:
    """Name a text that is an SMS for some customers and an LMS, which costs more, for others."""
    if template.entry.type != "auto" or template.entry.subject:
        return
    for key, text in template.texts.items():
        stores = [book.stores[key]] if key in book.stores else list(book.stores.values())
        sizes = [found for store in stores for found in _sizes(text, store)]
        if sizes and min(sizes) <= SMS_BYTES < max(sizes):
            words = _(
                "is an LMS for customers with a long name or day: {most} bytes, {over} more than "
                "an SMS holds; for others an SMS of {least} bytes or more"
            )
            most = max(sizes)
            about = {"most": most, "over": most - SMS_BYTES, "least": min(sizes)}
            noted.note(template.nodes[key].place, words.format(**about))


def _sizes(text: CompiledText, store: Store) -> Iterator[int]:
    """Count the bytes of a text at its longest and at its shortest."""
    longest = sample_bookings(text.fields)[0]
    shortest = longest.model_copy(
        update={"name": "이", "start": _EARLIEST, "end": _EARLIEST, "options": ()}
    )
    access = {store.id: {word: SecretStr("0000") for word in text.access_words}}
    for booking in (longest, shortest):
        yield from _size(text, booking, store, access)


def _size(text: CompiledText, booking: Booking, store: Store, access: Access) -> Iterator[int]:
    try:
        yield size(text.render(booking, store, open_access(access, store.id)))
    except CannotDecide:  # a text about options may need one
        return


def _secrets_of(access: Access | None) -> dict[str, str]:
    """List the secrets that are long enough not to be found by chance, with their names."""
    return {
        secret.get_secret_value(): f"access.{word}"
        for words in (access or {}).values()
        for word, secret in words.items()
        if len(secret.get_secret_value()) >= 4
    }


def _check_secrets(node: Node, secrets: Mapping[str, str], noted: ErrorList) -> None:
    """Name secrets in a text; they are never quoted."""
    text = str(node.value)
    found = {value: name for value, name in secrets.items() if value in text}
    for value, name in found.items():
        words = _("the secret {name} is typed here: write {{{{ {name} }}}} instead")
        noted.note(node.find(value), words.format(name=name))
    for match in _SECRET.finditer(text):
        typed = match["secret"]
        if not _NO_SECRET.fullmatch(typed) and not any(value in typed for value in found):
            words = _(
                "looks like a secret: put it into NAVERPLACE_ACCESS, and its name into the text, "
                "like {{ access.door_code }}"
            )
            noted.note(node.find(match[0]), words)


def _check_unread(rules_dir: Path, noted: ErrorList) -> None:
    """Name what lies beside the rules and is not read."""
    for path in sorted(rules_dir.iterdir()) if rules_dir.is_dir() else ():
        if path.name.startswith(_NOT_OURS) or path.name.endswith(("~", ".swp", ".bak", ".orig")):
            continue
        if path.is_dir() and any(path.glob("*.y*ml")):
            words = _("the files of this folder are not read: put them beside the others")
        elif path.is_file() and path.suffix != ".yaml":
            words = _("is not read: only files whose names end with .yaml are")
        else:
            continue
        noted.note(Position(path.as_posix()), words)
