"""The schemas that editors use are current, and say of a file what the loader says of it."""

from __future__ import annotations

import copy
import json
import random
import re
import shutil
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, FormatChecker  # type: ignore[import-untyped]

from naverplace.base.errors import RulesError
from naverplace.base.yaml_nodes import ErrorList, load_yaml
from naverplace.rules.actions import ACTIONS
from naverplace.rules.catalogue import described
from naverplace.rules.conditions import CONDITIONS
from naverplace.rules.json_schema import make_schemas, outdated
from naverplace.rules.rulebook import Rulebook, load_rulebook
from tests.rule_builders import ROOT, a_rule, shipped
from tests.rules.test_rulebook import WRONG_ACTIONS, WRONG_CONDITIONS, WRONG_RULES, cases

KIND = {
    "reminders.yaml": "rules",
    "examples.yaml": "rules",
    "templates.yaml": "templates",
    "templates-guide.yaml": "templates",
    "templates-examples.yaml": "templates",
    "fields.yaml": "fields",
    "notifications.yaml": "notifications",
    "impact.yaml": "impact",
    "stores.yaml": "stores",
}
TWO = ("1051707", "951291")


def test_the_stored_schemas_are_current() -> None:
    assert outdated(shipped(), ROOT / "rules") == [], "run: naverplace rules schema --write"


def test_a_stored_schema_that_nobody_can_read_is_not_current(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "rules" / "schema", tmp_path / "schema")
    (tmp_path / "schema" / "rules.json").write_bytes(b"\xff\xfe")
    (tmp_path / "schema" / "stores.json").unlink()
    (tmp_path / "schema" / "stores.json").mkdir()

    found = {path.name for path in outdated(shipped(), tmp_path)}

    assert found == {"rules.json", "stores.json"}


@pytest.mark.parametrize("name", KIND)
def test_every_shipped_file_names_its_schema_in_its_first_line(name: str) -> None:
    path = ROOT / ("deployments" if name == "stores.yaml" else "rules") / name
    first = path.read_text("utf-8").splitlines()[0]

    said = first.removeprefix("# yaml-language-server: $schema=")
    assert said != first
    assert (path.parent / said).resolve() == ROOT / f"rules/schema/{KIND[name]}.json"


def test_an_editor_explains_every_condition_and_action_and_completes_the_shop_s_names() -> None:
    schema = json.loads((ROOT / "rules/schema/rules.json").read_text("utf-8"))

    for what, registry in (("condition", CONDITIONS), ("action", ACTIONS)):
        [given] = [form for form in schema["definitions"][what]["anyOf"] if "properties" in form]
        for word, function in registry.items():
            assert described(function)[0] in given["properties"][word]["description"]
    assert {*shipped().templates, *map(int, shipped().stores), *shipped().fields} <= {
        name for names in _enums(schema) for name in names
    }


def test_every_explanation_is_there_in_korean_too() -> None:
    texts = [path.read_text("utf-8") for path in (ROOT / "rules/schema").glob("*.json")]
    said = [words for text in texts for words in _descriptions(json.loads(text))]

    assert len(said) > 60
    assert [words for words in said if not re.search("[가-힣]", words.split("\n")[0])] == []


def _descriptions(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from ([part["description"]] if isinstance(part.get("description"), str) else [])
        part = list(part.values())
    for inner in part if isinstance(part, list) else ():
        yield from _descriptions(inner)


def _enums(part: Any) -> Iterator[list[Any]]:
    if isinstance(part, dict):
        yield from ([part["enum"]] if isinstance(part.get("enum"), list) else [])
        part = list(part.values())
    for inner in part if isinstance(part, list) else ():
        yield from _enums(inner)


class Shop:
    """The shipped files with two stores, to try changes of one file on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "rules", folder / "rules")
        shutil.copy(ROOT / "deployments/stores.yaml", folder / "stores.yaml")
        stores = self.plain("stores.yaml")["stores"]
        self.put("stores.yaml", {"stores": {store: stores[store] for store in TWO}})
        for name in (name for name, kind in KIND.items() if kind == "templates"):
            content = self.plain(name)
            for template in content["templates"].values():  # short, to be read in no time
                template.update(text="{{ booking.start }}")
                if template.pop("stores", None):
                    template["stores"] = dict.fromkeys(TWO, template.pop("text"))
            self.put(name, content)
        for name in ("reminders.yaml", "examples.yaml"):
            rules = self.plain(name)
            for rule in rules:
                rule.pop("tests")
                for condition in (c for c in rule["when"] if isinstance(c, dict)):
                    if condition.get("store_is") == 1285716:
                        condition["store_is"] = 951291
            self.put(name, rules)
        self.files = {name: self.path(name).read_text("utf-8") for name in KIND}
        self.schemas = make_schemas(self.load())
        # Beside a changed file there are no rules: they only take time to be read.
        self.beside = {n: "[]\n" if KIND[n] == "rules" else text for n, text in self.files.items()}
        for name, text in self.beside.items():
            self.put(name, text)

    def path(self, name: str) -> Path:
        return self.folder / ("" if name == "stores.yaml" else "rules") / name

    def plain(self, name: str) -> Any:
        node = load_yaml(self.path(name), ErrorList())
        assert node
        return node.plain

    def put(self, name: str, content: Any) -> None:
        text = content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True)
        self.path(name).write_text(text, "utf-8")

    def load(self) -> Rulebook:
        return load_rulebook(self.folder / "rules", self.folder / "stores.yaml")

    def judged(self, name: str, content: Any) -> tuple[list[str], list[str]]:
        """What the loader says of one changed file, and what its schema says."""
        self.put(name, content)
        try:
            self.load()
            problems: tuple[str, ...] = ()
        except RulesError as error:
            problems = error.problems
        place = f"{self.path(name).as_posix()}:"
        validator = Draft7Validator(self.schemas[KIND[name]], format_checker=FormatChecker())
        said = [error.message for error in validator.iter_errors(self.plain(name))]
        self.put(name, self.beside[name])
        return [problem for problem in problems if problem.startswith(place)], said


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("shop"))


JUNK: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 999, "x", "", [], {}, ["x"], [None], {"x": 1}),
    *("RC03", "20:00", "2025-12-24", [1], 1051707),
)
# What stands here is for `rules check`: no schema knows what a text says, or what a test means.
TEXTS = ("text", "guide", "path", "not sent because of", "sent")


def _spots(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    parts = value.items() if isinstance(value, dict) else ()
    for key, part in enumerate(value) if isinstance(value, list) else parts:
        yield from _spots(part, (*path, key))


def _changed(whole: Any, path: tuple[Any, ...], chance: random.Random) -> Any:
    """Make one change at one place: another value, no value, or a misspelt key."""
    changed = copy.deepcopy(whole)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    last, way = path[-1], chance.choice(["junk", "junk", "junk", "gone", "misspelt", "more"])
    if way == "gone":
        del inner[last]
    elif way == "misspelt" and isinstance(inner, dict):
        inner[f"{last}s"] = inner.pop(last)
    elif way == "more" and isinstance(inner[last], dict):
        inner[last]["oddly"] = 1
    else:
        inner[last] = chance.choice(JUNK)
    return changed


@lru_cache
def corpus() -> tuple[tuple[str, str], ...]:
    """Make the files of the corpus: the name of the shipped file, and what stands in it."""
    found: list[tuple[str, str]] = []
    for name in KIND:
        path = ROOT / ("deployments" if name == "stores.yaml" else "rules") / name
        node = load_yaml(path, ErrorList())
        assert node
        whole, chance = node.plain, random.Random(name)
        if KIND[name] == "rules":  # what is changed in a rule is no condition of its tests any more
            for rule in whole:
                del rule["tests"]
        spots = [spot for spot in _spots(whole) if not {*spot} & {*TEXTS}]
        chance.shuffle(spots)
        for spot in spots[:14]:
            changed = _changed(whole, spot, chance)
            found.append((name, yaml.safe_dump(changed, allow_unicode=True, sort_keys=False)))
    return tuple(found)


BEYOND_A_SCHEMA = ("is after end", "once only", "by hand", "unknown variable", "unknown 'booking")
RULES = [
    *(a_rule(when) for when, _, words in cases(WRONG_CONDITIONS) if "after end" not in words),
    *(
        a_rule("booking_in_db", then.replace("note", "welcome").replace("nte", "wlcm"))
        for then, _, words in cases(WRONG_ACTIONS)
        if not any(said in words for said in (*BEYOND_A_SCHEMA, "cannot be read"))
    ),
    *(rule for rule, _, words in cases(WRONG_RULES) if "twice" not in words),
    *(
        a_rule("booking_in_db", "send_sms: welcome") + f"  tests: {tests}\n"
        for tests in (
            *("[]", "[{expect: sent}]", "[{expect: {sent: welcome}}]", "x", "[x]", "[{}]", "null"),
            *("[{expect: not sent}]", "[{expect: {because: x}}]", "[{given: {}, expect: sent}]"),
            *("[{given: {now: '20:00'}, expect: sent}]", "[{given: {now: '8 pm'}, expect: sent}]"),
            "[{given: {start: '2025-12-24 15:00', status: RC08}, expect: sent}]",
            "[{given: {options: [a, {name: b, count: 2}], in_db: true}, expect: sent}]",
            "[{given: {options: [{name: b, count: 0}]}, expect: sent}]",
            "[{given: {options: [{count: 1}]}, expect: sent}]",
            "[{given: {fields: {total_price: 5}, flags: [remind_sms]}, expect: sent}]",
            "[{given: {fields: {total: 5}}, expect: sent}]",
            "[{given: {flags: [remind]}, expect: sent}]",
            "[{given: {starts_in_hours: 2000}, expect: sent}]",
            "[{given: {starts_in_hours: two}, expect: sent}]",
            "[{given: {store: 1051707, owed: [welcome]}, expect: sent}]",
            "[{given: {store: 5}, expect: sent}]",
            "[{expect: {not sent because of: booking_in_db}}]",
        )
    ),
    *(
        a_rule(when, "send_sms: welcome")
        for when in (
            *("booking_in_db: ", "not: booking_in_db", "any: [booking_in_db, {current_hour: 3}]"),
            *("not: {any: [starts_in_future]}", "time_before_booking: 1.5", "store_is: 1051707"),
            *("store_is: '1051707'", "booking_status: {status: [RC03]}", "message_owed: guide"),
            *("has_multiple_options: 보정", "has_multiple_options: {keywords: [가, 나]}"),
            "field: {name: total_price, equals: 5, if_missing: true}",
            "field: {name: area_name, one_of: [a, b]}",
            "field: {name: area_name, one_of: []}",
            "field: {name: special_requests, contains: x}",
        )
    ),
    *(
        a_rule("booking_in_db", then)
        for then in (
            *("send_sms: guide", "send_sms: {template: guide, per_store: true}"),
            *("send_sms: {template: guide, per_store: false}", "send_sms: {template: guide}"),
            *("send_sms: {template: welcome, per_store: false}", "send_slack: hello"),
            *("send_sms: {template: welcome, in_doubt: resend}", "update_flag: option_sms"),
            *("send_sms: {template: welcome, in_doubt: never}", "create_db_record: {}"),
            "send_telegram: {message: hello, once: hello-2}",
        )
    ),
]


def test_the_schema_and_the_loader_agree_on_every_file_of_a_corpus(shop: Shop) -> None:
    files = [*corpus(), *(("reminders.yaml", rules) for rules in RULES)]
    verdicts = []
    for name, content in files:
        if load_yaml_is_refused(shop, name, content):
            continue
        problems, said = shop.judged(name, content)
        verdicts.append(not problems)
        assert bool(problems) == bool(said), (
            f"{name}\n{content}\nloader: {problems}\nschema: {said}"
        )
    assert len(verdicts) >= 180
    assert 30 <= sum(verdicts) <= len(verdicts) - 60


def load_yaml_is_refused(shop: Shop, name: str, content: str) -> bool:
    """Tell whether a file is no YAML for us at all: an editor's parser says so, not a schema."""
    path = shop.folder / "tried.yaml"
    path.write_text(content, "utf-8")
    problems = ErrorList()
    return load_yaml(path, problems) is None or bool(problems.found)


def test_the_shipped_files_are_right_by_their_schemas(shop: Shop) -> None:
    for name, text in shop.files.items():
        assert shop.judged(name, text) == ([], [])
