"""JSON Schemas of the YAML files, for editors: made from the registries and the models.

They hold this shop's own names (stores, templates, fields), so that an editor completes them. What
no schema can say is left to `naverplace rules check`: what a text says, how long it is, which rule
owes a message twice, and whether a day or a time comes before another.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from naverplace.base.registry import Registry
from naverplace.base.translation import gettext_noop as N_
from naverplace.base.translation import in_both
from naverplace.domain.extra_fields import BUILT_IN, FieldsFile
from naverplace.domain.message_kinds import FLAG_OF
from naverplace.domain.notification_routing import Routing
from naverplace.domain.stores import StoresFile
from naverplace.rules.actions import ACTIONS, kind_of
from naverplace.rules.catalogue import described
from naverplace.rules.conditions import CONDITIONS
from naverplace.rules.given import TestEntry
from naverplace.rules.impact_limits import ImpactFile
from naverplace.rules.parameters import (
    COMPARISONS,
    KNOWN,
    ORDERED,
    ORDERED_TYPES,
    only_parameter,
    parameters_of,
)
from naverplace.rules.rule_parser import RuleEntry
from naverplace.rules.rulebook import Rulebook
from naverplace.rules.template_loader import TemplatesFile

Schema = dict[str, Any]
FOLDER = "schema"  # within the folder of the rules
_DIALECT = "http://json-schema.org/draft-07/schema#"  # what editors know best
_TYPES = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "datetime": {"type": "string"},
    "list": {"type": "string"},
}


def make_schemas(book: Rulebook) -> dict[str, Schema]:
    """Make the schemas by the name of their kind of file: rules, templates, stores, ..."""
    names = _names(book)
    found = {
        "rules": _rules(book),
        "templates": _templates(book),
        "stores": _stores(book),
        "fields": _fields(),
        "notifications": _notifications(),
        "impact": _of(ImpactFile),
    }
    return {
        kind: {
            "$schema": _DIALECT,
            "title": f"naverplace: {kind}",
            **_explained_in_both(_known(schema, names)),
        }
        for kind, schema in found.items()
    }


def explanations() -> set[str]:
    """List what editors say of the files' own words, which the models explain."""
    models = (RuleEntry, TestEntry, TemplatesFile, StoresFile, FieldsFile, Routing, ImpactFile)
    return {text for model in models for text in _descriptions(_of(model))}


def _descriptions(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from ([schema["description"]] if isinstance(schema.get("description"), str) else [])
        schema = list(schema.values())
    for part in schema if isinstance(schema, list) else ():
        yield from _descriptions(part)


def _explained_in_both(schema: Any) -> Any:
    """Say every explanation in Korean and English; the shop's own words have one form."""
    if isinstance(schema, list):
        return [_explained_in_both(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: in_both(part)
        if key == "description" and isinstance(part, str)
        # What is allowed is told, not explained.
        else part
        if key in ("enum", "const", "default")
        else _explained_in_both(part)
        for key, part in schema.items()
    }


def schema_texts(book: Rulebook) -> dict[str, str]:
    """Write the schemas as they are stored, by file name."""
    return {
        f"{kind}.json": json.dumps(schema, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        for kind, schema in make_schemas(book).items()
    }


def write_schemas(book: Rulebook, rules_dir: Path) -> list[Path]:
    """Store the schemas beside the rules; list the files that were not current."""
    (rules_dir / FOLDER).mkdir(exist_ok=True)
    old = outdated(book, rules_dir)
    for path in old:
        path.write_text(schema_texts(book)[path.name], "utf-8")
    return old


def outdated(book: Rulebook, rules_dir: Path) -> list[Path]:
    """List the stored schemas that are missing or not what they would be now."""
    paths = {rules_dir / FOLDER / name: text for name, text in schema_texts(book).items()}
    return [path for path, text in paths.items() if _stored(path) != text]


def _stored(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeError):
        return None


def _names(book: Rulebook) -> Mapping[str, list[str]]:
    sent = [
        kind_of(call.parameters["template"], call.parameters["once"])
        for rule in book.rules
        for call in rule.then
        if call.word == "send_sms"
    ]
    return {
        "stores": list(book.stores),
        "templates": list(book.templates),
        "fields": list(book.fields),
        "kinds": sorted({*FLAG_OF, *sent}),
    }


def _known(schema: Any, names: Mapping[str, list[str]]) -> Any:
    """Put this shop's names where the models only say which of them are known."""
    if isinstance(schema, list):
        return [_known(part, names) for part in schema]
    if not isinstance(schema, dict):
        return schema
    rest = {key: _known(part, names) for key, part in schema.items() if key != KNOWN}
    if (which := schema.get(KNOWN)) is None:
        return rest
    if which == "stores":  # a number without quotes names a store too
        return {"enum": [*names[which], *map(int, names[which])]}
    return {**rest, "enum": names[which]}


def _of(kind: Any) -> Schema:
    """Make the schema of a model, its parts in place: editors follow no reference into `$defs`."""
    schema = TypeAdapter(kind).json_schema(mode="validation")
    parts = schema.pop("$defs", {})

    def inlined(part: Any) -> Any:
        if isinstance(part, list):
            return [inlined(p) for p in part]
        if not isinstance(part, dict):
            return part
        if name := str(part.get("$ref", "")).rpartition("/")[2]:
            return {**inlined(parts[name]), **{k: v for k, v in part.items() if k != "$ref"}}
        return {  # draft 7 lists the items of a tuple under `items`
            "items" if key == "prefixItems" else key: inlined(value)
            for key, value in part.items()
            if not (key == "title" and isinstance(value, str))
        }

    return dict(inlined(schema))


def _rules(book: Rulebook) -> Schema:
    entry = _of(RuleEntry)
    entry["properties"] |= {
        "when": {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/condition"}},
        "then": {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/action"}},
        "tests": {"type": "array", "items": _of(TestEntry)},
    }
    condition = {"$ref": "#/definitions/condition"}
    some = {"type": "array", "minItems": 1, "items": condition}
    groups: dict[str, Schema] = {
        "all": {**some, "description": N_("all of these hold")},
        "any": {**some, "description": N_("one of these holds, or more")},
        "not": {**condition},
    }
    return {
        "type": "array",
        "items": entry,
        "definitions": {
            "condition": _words(CONDITIONS, book, groups),
            "action": _words(ACTIONS, book, {}),
        },
    }


def _words(registry: Registry, book: Rulebook, groups: Mapping[str, Schema]) -> Schema:
    """Describe the words of a registry: alone, or with their parameters."""
    alone = [
        {"const": word, "description": _explained(function)}
        for word, function in sorted(registry.items())
        if not parameters_of(function).model_json_schema().get("required")
    ]
    given = {word: _call(function, book) for word, function in sorted(registry.items())}
    with_parameters = {
        "type": "object",
        "properties": {**groups, **given},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    return {"anyOf": [*alone, with_parameters]}


def _explained(function: Callable[..., Any]) -> str:
    words, example = described(function)
    return f"{in_both(words)}\n\n{example}"


def _call(function: Callable[..., Any], book: Rulebook) -> Schema:
    """Describe what may stand after a word: its parameters by name, or the only one."""
    model, only = _of(parameters_of(function)), only_parameter(function)
    model["properties"] = model.get("properties", {})
    full = {"type": "object", **model, **_more(function.__name__, book)}
    forms: list[Schema] = [full]
    if only and "anyOf" not in full:  # a field alone is compared with nothing
        forms.append({"allOf": [model["properties"][only], {"not": {"type": ["object", "null"]}}]})
        for together in full.get("allOf", ()):  # the only one has what goes with it by default
            forms[1]["allOf"] += _of_only(together, only)
    if not model.get("required"):
        forms.append({"type": "null"})
    return {"description": _explained(function), "anyOf": forms}


def _of_only(together: Schema, only: str) -> list[Schema]:
    """Say of a lone parameter what is said of it together with others that are left out."""
    chosen = together["if"]["properties"][only]
    return [{"not": chosen}] if together["then"].get("required") else []


def _more(word: str, book: Rulebook) -> Schema:
    """Describe which parameters go together."""
    if word == "send_sms":
        split = {True: [], False: []}  # type: dict[bool, list[str]]
        for name, template in book.templates.items():
            split[template.per_store].append(name)
        return {
            "allOf": [
                {
                    "if": {
                        "properties": {"template": {"enum": split[True]}},
                        "required": ["template"],
                    },
                    "then": {
                        "properties": {"per_store": {"const": True}},
                        "required": ["per_store"],
                    },
                },
                {
                    "if": {
                        "properties": {"template": {"enum": split[False]}},
                        "required": ["template"],
                    },
                    "then": {"properties": {"per_store": {"const": False}}},
                },
            ]
        }
    if word == "field":
        return {"anyOf": list(_comparisons(book))}
    return {}


def _comparisons(book: Rulebook) -> Iterator[Schema]:
    """Describe each field with each way in which it can be compared."""
    for name, field in book.fields.items():
        value = _TYPES[field.type]
        for comparison in COMPARISONS:
            if (comparison == "contains") != (field.type == "list") and field.type != "str":
                continue
            if comparison in ORDERED and field.type not in ORDERED_TYPES:
                continue
            said = {"type": "array", "minItems": 1, "items": value}
            others: Schema = dict.fromkeys(c for c in COMPARISONS if c != comparison)
            yield {
                "properties": {
                    "name": {"const": name},
                    comparison: said if comparison == "one_of" else value,
                    **{other: {"type": "null"} for other in others},
                },
                "required": ["name", comparison],
            }


def _templates(book: Rulebook) -> Schema:
    schema = _of(TemplatesFile)
    [entry] = schema["properties"]["templates"]["patternProperties"].values()
    text = {"type": "string", "pattern": r"\S"}
    entry["properties"]["text"] = {**entry["properties"]["text"], "anyOf": [text, {"type": "null"}]}
    nothing = {"type": "null"}
    stores = {
        "type": "object",
        "properties": {store: {**text, "description": s.name} for store, s in book.stores.items()},
        "required": list(book.stores),
        "additionalProperties": False,
    }
    entry["properties"]["stores"] = {**entry["properties"]["stores"], "anyOf": [stores, nothing]}
    entry["oneOf"] = [
        {"required": ["text"], "properties": {"text": {"type": "string"}, "stores": nothing}},
        {"required": ["stores"], "properties": {"stores": {"type": "object"}, "text": nothing}},
    ]
    schema["properties"]["templates"]["additionalProperties"] = False
    return schema


def _stores(book: Rulebook) -> Schema:
    schema = _of(StoresFile)
    [entry] = schema["properties"]["stores"]["patternProperties"].values()
    own = {
        "type": "object",
        "propertyNames": {"enum": list(book.templates)},
        "additionalProperties": {"enum": list(book.templates)},
    }
    entry["properties"]["templates"] = {
        **entry["properties"]["templates"],
        "anyOf": [own, {"type": "null"}],
    }
    schema["properties"]["stores"]["additionalProperties"] = False
    return schema


def _fields() -> Schema:
    schema = _of(FieldsFile)
    schema["properties"]["fields"]["additionalProperties"] = False
    schema["properties"]["fields"]["propertyNames"] = {"not": {"enum": list(BUILT_IN)}}
    return schema


def _notifications() -> Schema:
    schema = _of(Routing)
    summary = schema["properties"]["summary"]
    words = summary.pop("description", "")
    summary.pop("default", None)
    alone = summary["properties"]["channels"]
    schema["properties"]["summary"] = {"description": words, "anyOf": [summary, alone]}
    return schema
