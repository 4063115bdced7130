"""The rulebook: rules, templates and routing, read together so that every mistake is told."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path

from naverplace.base.registry import Registry, suggest_nearest
from naverplace.base.translation import gettext as _
from naverplace.base.yaml_nodes import ErrorList, Node, Position, load_yaml
from naverplace.domain.extra_fields import Field, read_fields
from naverplace.domain.message_kinds import FLAG_OF
from naverplace.domain.notification_routing import Routing, load_routing
from naverplace.domain.stores import Store, read_stores
from naverplace.rules.actions import ACTIONS
from naverplace.rules.conditions import CONDITIONS
from naverplace.rules.impact_limits import FILE as IMPACT
from naverplace.rules.impact_limits import read_limits
from naverplace.rules.parameters import ValidationContext
from naverplace.rules.rule_logic import hours_of, open_ways, ways_of
from naverplace.rules.rule_parser import Rule, RuleParser, calls_of
from naverplace.rules.template_loader import TemplateLoader
from naverplace.rules.templates import Access, Template

NOT_RULES = ("fields.yaml", "notifications.yaml", IMPACT)  # and templates*.yaml


@dataclass(frozen=True)
class Rulebook:
    """All rules, and all that they refer to."""

    rules: tuple[Rule, ...]  # the disabled ones too, by file name and in the files' order
    templates: Mapping[str, Template]
    routing: Routing
    stores: Mapping[str, Store]
    fields: Mapping[str, Field]
    access: Access | None = field(default=None, repr=False)
    default_sender: str = ""
    # Phones that want no advertisement; None: nobody could tell, so none is sent.
    opted_out: Container[str] | None = field(default=(), repr=False)

    @property
    def sent_templates(self) -> frozenset[str]:
        """Name the templates that enabled rules send, as a store without its own has them."""
        return frozenset(
            call.parameters["template"]
            for rule in self.rules
            if rule.enabled
            for call in rule.then
            if call.word == "send_sms"
        )

    @property
    def advertises(self) -> bool:
        """Tell whether an enabled rule sends an advertisement, in any store."""
        sent = self.sent_templates
        others = [store.templates or {} for store in self.stores.values()]
        names = sent | {other.get(name, name) for other in others for name in sent}
        return any(self.templates[n].entry.advertisement for n in names if n in self.templates)

    @property
    def enabled_names(self) -> tuple[str, ...]:
        """List the rules that are on."""
        return tuple(rule.name for rule in self.rules if rule.enabled)


def load_rulebook(
    rules_dir: Path,
    stores: Path | Mapping[str, Store],
    *,
    fields: Iterable[Field] | None = None,
    access: Access | None = None,
    default_sender: str = "",
    conditions: Registry = CONDITIONS,
    actions: Registry = ACTIONS,
) -> Rulebook:
    """Read every file of the folder, and the stores. Raises RulesError with all mistakes.

    `stores` is their file, or the stores; without `fields` the folder's fields.yaml declares them.
    `access` is checked for what the templates need; None checks nothing, and then no text that
    needs access data can be rendered.
    """
    problems = ErrorList()
    known_stores, stores_node = (
        read_stores(stores, problems) if isinstance(stores, Path) else (stores, None)
    )
    known_fields = (
        read_fields(rules_dir / "fields.yaml", problems) if fields is None else tuple(fields)
    )
    declared = None if known_fields is None else {field.name: field for field in known_fields}
    reader = TemplateLoader(
        stores=known_stores, fields=known_fields, access=access, problems=problems
    )
    _note_unread(rules_dir, problems)
    read_limits(rules_dir, problems)
    files = sorted(path for path in rules_dir.glob("*.yaml") if path.name not in NOT_RULES)
    for path in files:
        if path.name.startswith("templates"):
            reader.read(path)
    if not reader.seen and not reader.unreadable:
        place = Position((rules_dir / "templates.yaml").as_posix())
        problems.note(place, _("there is no template"))
    routing = load_routing(rules_dir / "notifications.yaml", problems)
    names = None if reader.unreadable else reader.seen
    known = ValidationContext(known_stores, declared, reader.templates, names)
    parser = RuleParser(conditions, actions, known=known, problems=problems)
    rules = []
    unreadable = False
    for path in files:
        if not path.name.startswith("templates"):
            node = load_yaml(path, problems)
            rules += parser.read(node) if node else []
            unreadable = unreadable or node is None or not isinstance(node.value, list)
    if not unreadable:
        _check_owed_kinds(rules, [*FLAG_OF, *sorted(parser.sent_kinds)], problems)
    _check_hours(rules, known, problems)
    _check_stand_ins(known, problems, stores_node or Node(Position(rules_dir.as_posix()), None))
    problems.raise_if_any()
    assert routing is not None  # noqa: S101 - every way to None has noted a problem
    return Rulebook(
        rules=tuple(rules),
        templates=reader.templates,
        routing=routing,
        stores=known_stores or {},
        fields=declared or {},
        access=access,
        default_sender=default_sender,
    )


_YAML = re.compile(r"\.ya?ml\b", re.IGNORECASE)


def _note_unread(rules_dir: Path, problems: ErrorList) -> None:
    """Name files that somebody takes for rules and nobody reads; an editor's own are none."""
    try:
        paths = sorted(rules_dir.iterdir()) if rules_dir.is_dir() else []
        (rules_dir / IMPACT).exists()  # raises where files may be listed, and none be opened
    except OSError as error:
        why = error.strerror or type(error).__name__
        problems.note(Position(rules_dir.as_posix()), _("cannot be read: {why}").format(why=why))
        problems.raise_if_any()  # else every file in it would be said to be missing
        return
    for path in paths:
        name = path.name
        hidden = name.startswith((".", "#")) or name.endswith(("~", ".swp", ".bak", ".orig"))
        if _YAML.search(name) and path.suffix != ".yaml" and not hidden:
            stem = _YAML.split(name)[0]
            words = _("is not read; name it {stem}.yaml").format(stem=stem)
            problems.note(Position(path.as_posix()), words)


def _check_owed_kinds(rules: Sequence[Rule], kinds: Sequence[str], problems: ErrorList) -> None:
    for call in (call for rule in rules for call in calls_of(rule.when)):
        kind = str(call.parameters.get("kind"))
        if call.word == "message_owed" and kind not in kinds:
            words = _("no rule sends messages of kind {kind!r}; {hint}")
            hint = suggest_nearest(kind, list(kinds))
            problems.note(call.place, words.format(kind=kind, hint=hint))


def _check_hours(rules: Sequence[Rule], known: ValidationContext, problems: ErrorList) -> None:
    """Name messages whose hours never meet the hours of their rule: they would never be sent."""
    stores = known.stores or {}
    stand_ins = [store.templates or {} for store in stores.values()]
    for rule in rules:
        ways = open_ways(ways_of(rule.when), stores)
        hours = sorted({hour for way in ways for hour in hours_of(way)})
        said = [c for c in calls_of(rule.when) if c.word == "current_hour"]
        for call in (c for c in rule.then if c.word == "send_sms" and hours and said):
            usual = call.parameters["template"]
            for name in dict.fromkeys([usual, *(other.get(usual, usual) for other in stand_ins)]):
                template = known.templates.get(name)
                if template and template.window and not _meet(template.window, hours):
                    begins, ends = template.window
                    words = _(
                        "can never be sent: the rule holds from {first}:00 to {last}:59 "
                        "(line {line}), and template {name!r} goes out from {begins:%H:%M} "
                        "to {ends:%H:%M}"
                    )
                    about = {"first": hours[0], "last": hours[-1], "line": said[0].place.line}
                    words = words.format(**about, name=name, begins=begins, ends=ends)
                    problems.note(call.place, words)


def _meet(window: tuple[time, time], hours: Sequence[int]) -> bool:
    return any(window[0] <= time(hour, 59, 59) and time(hour) < window[1] for hour in hours)


def _check_stand_ins(known: ValidationContext, problems: ErrorList, node: Node) -> None:
    """Name templates that a store has of its own, and that are in no file; `node`: the stores'."""
    if known.template_names is None:
        return
    names = list(known.template_names)
    for store in (known.stores or {}).values():
        for usual, other in (store.templates or {}).items():
            spot = ("stores", store.id, "templates", usual)
            for name, at in ((usual, (*spot, "[key]")), (other, spot)):
                if name not in names:
                    words = _(
                        "store {store} names template {name!r} in stores.yaml, which is in no "
                        "templates file; {hint}"
                    )
                    hint = suggest_nearest(name, names)
                    place = node.locate(at) if node.value is not None else node.place
                    problems.note(place, words.format(store=store.id, name=name, hint=hint))
