"""The rulebook: rules, templates and routing, read together so that every mistake is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from naverplace.base.registry import Registry, suggest_nearest
from naverplace.base.yaml_nodes import ErrorList, Position, load_yaml
from naverplace.domain.extra_fields import Field, load_fields
from naverplace.domain.message_kinds import FLAG_OF
from naverplace.domain.notification_routing import Routing, load_routing
from naverplace.domain.stores import Store, load_stores
from naverplace.rules.actions import ACTIONS, kind_of
from naverplace.rules.conditions import CONDITIONS
from naverplace.rules.parameters import ValidationContext
from naverplace.rules.rule_parser import Rule, RuleParser, calls_of
from naverplace.rules.template_loader import TemplateLoader
from naverplace.rules.templates import Access, Template

NOT_RULES = ("fields.yaml", "notifications.yaml")  # and templates*.yaml


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
    if isinstance(stores, Path):
        stores = load_stores(stores)
    if fields is None:
        fields = load_fields(rules_dir / "fields.yaml")
    declared = {field.name: field for field in fields}
    reader = TemplateLoader(
        stores=stores, fields=tuple(declared.values()), access=access, problems=problems
    )
    files = sorted(path for path in rules_dir.glob("*.yaml") if path.name != "fields.yaml")
    for path in files:
        if path.name.startswith("templates"):
            reader.read(path)
    if not reader.seen and not problems.found:
        problems.note(Position((rules_dir / "templates.yaml").as_posix()), "there is no template")
    routing = load_routing(rules_dir / "notifications.yaml", problems)
    known = ValidationContext(stores, declared, reader.templates, reader.seen)
    parser = RuleParser(conditions, actions, known=known, problems=problems)
    rules = []
    for path in files:
        if path.name not in NOT_RULES and not path.name.startswith("templates"):
            node = load_yaml(path, problems)
            rules += parser.read(node) if node else []
    _check_owed_kinds(rules, problems)
    _check_stand_ins(known, problems, rules_dir)
    problems.raise_if_any()
    assert routing is not None  # noqa: S101 - every way to None has noted a problem
    return Rulebook(
        rules=tuple(rules),
        templates=reader.templates,
        routing=routing,
        stores=stores,
        fields=declared,
        access=access,
        default_sender=default_sender,
    )


def _check_owed_kinds(rules: Sequence[Rule], problems: ErrorList) -> None:
    kinds = [
        *FLAG_OF,
        *(
            kind_of(call.parameters["template"], call.parameters["once"])
            for rule in rules
            for call in rule.then
            if call.word == "send_sms"
        ),
    ]
    for rule in rules:
        for call in calls_of(rule.when):
            kind = str(call.parameters.get("kind"))
            if call.word == "message_owed" and kind not in kinds:
                problems.note(
                    call.place,
                    f"no rule sends messages of kind {kind!r}; {suggest_nearest(kind, kinds)}",
                )


def _check_stand_ins(known: ValidationContext, problems: ErrorList, rules_dir: Path) -> None:
    names = list(known.template_names)
    for store in known.stores.values():
        for usual, other in (store.templates or {}).items():
            for name in (usual, other):
                if name not in names:
                    problems.note(
                        Position(rules_dir.as_posix()),
                        f"store {store.id} names template {name!r} in stores.yaml, which is in no "
                        f"templates file; {suggest_nearest(name, names)}",
                    )
