"""Every mistake in a rule is told when the rules are loaded, with its place and the right word."""

from __future__ import annotations

import contextlib
import copy
import random
import shutil
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from naverplace.base.errors import RulesError
from naverplace.base.yaml_nodes import ErrorList, load_yaml
from naverplace.domain.booking import Option
from naverplace.domain.stores import Store
from naverplace.rules.actions import ACTIONS
from naverplace.rules.catalogue import catalogue, described
from naverplace.rules.conditions import CONDITIONS
from naverplace.rules.rulebook import Rulebook, load_rulebook
from tests.rule_builders import (
    ROOT,
    TEMPLATES,
    a_booking,
    a_rule,
    a_rulebook,
    access,
    decided,
    fired,
    problems,
    recorded,
    shipped,
    stores,
    switched_on,
)

WRONG_CONDITIONS = """\
time_befor_booking: 2
    10: unknown condition 'time_befor_booking'; did you mean 'time_before_booking'?
booking_in_bd
    10: unknown condition 'booking_in_bd'; did you mean 'booking_in_db'?
ani: [booking_in_db]
    10: unknown condition 'ani'; did you mean 'any'?
time_before_booking: {hour: 2}
    32: unknown key 'hour'; did you mean 'hours'?
time_before_booking: two
    31: hours: should be a number
time_before_booking: '2'
    31: hours: should be a number
time_before_booking: true
    31: hours: should be a number
time_before_booking: 0
    31: hours: should be more than 0
time_before_booking: 169
    31: hours: should be 168 or less
time_before_booking
    10: key 'hours' is missing
current_hour: 24
    24: hour: should be 23 or less
booking_in_db: 1
    25: 'booking_in_db' takes no parameter
booking_in_db: {x: 1}
    26: unknown key 'x'; none is known
date_range: 2025-12-24
    22: 'date_range' wants its parameters by name: start, end
date_range: {start: 2025-12-24, end: 2025-12-23}
    22: 'date_range': start 2025-12-24 is after end 2025-12-23
date_range: {start: 2025-13-24, end: 2025-12-23}
    30: start: should be a day like 2025-12-24
date_range: {start: 20251224, end: 2025-12-25}
    30: start: should be a day like 2025-12-24
booking_status: RC3
    26: status: unknown booking status 'RC3'; did you mean 'RC03'?
booking_status: [RC03, RC88]
    33: status: unknown booking status 'RC88'; did you mean 'RC08'?
booking_status: []
    26: status: should not be empty
flag_not_set: remindsms
    24: flag: unknown flag 'remindsms'; did you mean 'remind_sms'?
store_is: 1051708
    20: store: unknown store '1051708'; did you mean '1051707'?
has_option_keyword: ''
    30: keywords: keyword '' is blank, or begins or ends with a blank
has_multiple_options: {keywords: a, min_count: 0}
    57: min_count: should be 1 or more
field: total_price
    17: 'field': needs exactly one of equals
field: {name: totl_price, equals: 1}
    24: name: unknown field 'totl_price'; did you mean 'total_price'?
field: {name: total_price, equals: 1, at_most: 2}
    17: 'field': needs exactly one of
field: {name: total_price, equals: many}
    *: 'total_price' is declared as int, so it can never be 'many'
field: {name: total_price, equals: true}
    *: 'total_price' is declared as int, so it can never be True
field: {name: total_price, contains: 1}
    47: contains: should be a text; what else it looks like, put into quotes
field: {name: total_price, contains: '1'}
    *: contains needs a text or a list; 'total_price' is declared as int
field: {name: area_name, at_least: 3}
    *: at_least needs a number or a time; 'area_name' is declared as str
field: {name: special_requests, equals: x}
    *: a list is compared with contains only
message_owed: welcom
    10: no rule sends messages of kind 'welcom'; known: confirmation, event, guide
any: booking_in_db
    15: 'any' needs a list of conditions
any: []
    15: 'any' needs a list of conditions, one at least
not: [booking_in_db]
    15: each condition is one word
{booking_in_db: , starts_in_future: }
    28: each condition is one word
7
    10: each condition is one word
"""

WRONG_ACTIONS = """\
send_smss: note
    10: unknown action 'send_smss'; did you mean 'send_sms'?
send_sms: nte
    20: template: unknown template 'nte'; did you mean 'note'?
send_sms: {template: note, per_store: true}
    *: template 'note' has one text for all stores: write per_store: false
send_sms: {template: note, per_stor: true}
    37: unknown key 'per_stor'; did you mean 'per_store'?
send_sms: {template: note, once: 'a b'}
    43: once: 'a b' cannot be used here: it should be letters, digits, - and _ without blanks
send_sms
    10: key 'template' is missing
send_sms: note, send_sms: {template: confirmation, once: note}
    26: send_sms: 'note' is owed once only, see line 3
send_telegram: a, send_telegram: b
    28: send_telegram: this message is owed once only
send_sms: confirmation, update_flag: confirm_sms
    34: confirm_sms is set by the acceptance of 'confirmation', not by hand
update_flag: {flag: remind_sms, value: 'yes'}
    49: value: should be true or false
send_slack: ''
    22: message: should be a text with something in it
send_slack: 3
    22: message: should be a text with something in it
send_slack: '{{ bookng.name }}'
    *: unknown variable 'bookng'; did you mean 'booking'?
send_slack: '{{ booking.nam }}'
    *: unknown 'booking.nam'; did you mean 'name'?
send_slack: '{{ access.door_code }}'
    *: unknown variable 'access'
send_slack: '{{ booking.email }}'
    *: unknown 'booking.email'
send_slack: '{{ booking.name '
    *: cannot be read from here on: a word is written {{ booking.name }}
create_db_record: 1
    28: 'create_db_record' takes no parameter
"""


def cases(table: str) -> list[tuple[str, str, str]]:
    """Read what is written, then column and words of its mistake; a * stands for any column."""
    lines = table.splitlines()
    told = [line.strip().partition(": ") for line in lines[1::2]]
    return [
        (said, column, words) for said, (column, _, words) in zip(lines[::2], told, strict=True)
    ]


@pytest.mark.parametrize(("when", "column", "words"), cases(WRONG_CONDITIONS))
def test_a_wrong_condition_is_told_with_its_place(
    tmp_path: Path, when: str, column: str, words: str
) -> None:
    [found] = problems(tmp_path, a_rule(when))

    assert fnmatchcase(found, f"r.yaml:2:{column}: {words.replace('[', '[[]')}*")


@pytest.mark.parametrize(("then", "column", "words"), cases(WRONG_ACTIONS))
def test_a_wrong_action_is_told_with_its_place(
    tmp_path: Path, then: str, column: str, words: str
) -> None:
    [found] = problems(tmp_path, a_rule("booking_in_db", then))

    assert fnmatchcase(found, f"r.yaml:3:{column}: {words.replace('[', '[[]')}*")


WRONG_RULES = """\
rules: []
    1:1: should be a list of rules
- {rule: r, wen: [booking_in_db], then: [create_db_record]}
    1:13: unknown key 'wen'; did you mean 'when'?
- {rule: r, when: [booking_in_db]}
    1:3: key 'then' is missing
- {rule: a b, when: [booking_in_db], then: [create_db_record]}
    1:10: rule: 'a b' cannot be used here: it should be letters
- {rule: r, when: [], then: [create_db_record]}
    1:19: 'when' needs a list of conditions, one at least
- {rule: r, when: booking_in_db, then: [create_db_record]}
    1:19: 'when' needs a list of conditions, one at least
- {rule: r, enabled: ture, when: [booking_in_db], then: [create_db_record]}
    1:22: enabled: should be true or false
- {rule: r, enabled: no, when: [booking_in_db], then: [create_db_record]}
    1:22: enabled: should be true or false
- just words
    1:3: should be keys with their values
- {rule: r, rule: b, when: [booking_in_db], then: [create_db_record]}
    1:13: key 'rule' stands here twice, see line 1
"""


@pytest.mark.parametrize(("rules", "place", "words"), cases(WRONG_RULES))
def test_a_wrong_rule_is_told_with_its_place(
    tmp_path: Path, rules: str, place: str, words: str
) -> None:
    [found] = problems(tmp_path, rules)

    assert found.startswith(f"r.yaml:{place}: {words}")


def test_two_rules_of_one_name_are_told(tmp_path: Path) -> None:
    [found] = problems(tmp_path, a_rule("booking_in_db") * 2)

    assert found.startswith("r.yaml:4:9: rule 'r' stands here twice, see ")
    assert found.endswith("r.yaml:1:9")


def test_all_mistakes_of_all_files_are_told_together(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        a_rule("booking_in_bd", "send_sm: note"),
        templates='templates: {note: {text: "{{ booking.strt }}"}}',
        routing="channels: {telegram: {enabled: true}}\nsummary: []\nalerts: [telegramm]",
    )

    assert [problem.partition(" ")[0] for problem in found] == [
        "notifications.yaml:3:10:",
        "r.yaml:2:10:",
        "r.yaml:3:10:",
        "templates.yaml:1:30:",
    ]


def test_a_rule_is_not_blamed_for_its_templates_mistake(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        a_rule("booking_in_db", "send_sms: note"),
        templates='templates: {note: {text: "{{ booking.strt }}"}}',
    )

    assert found == [
        "templates.yaml:1:30: unknown 'booking.strt'; did you mean 'start'?",
    ]


def test_files_that_are_missing_are_told(tmp_path: Path) -> None:
    with pytest.raises(RulesError) as raised:
        load_rulebook(tmp_path, stores(), fields=())

    assert [problem.rpartition("/")[2] for problem in raised.value.problems] == [
        "notifications.yaml:1:1: cannot be read: No such file or directory",
        "templates.yaml:1:1: there is no template",
    ]


def test_a_folder_of_rules_that_may_not_be_read_is_one_mistake(tmp_path: Path) -> None:
    folder = _Closed(tmp_path)

    with pytest.raises(RulesError) as refused:
        load_rulebook(folder, stores(), fields=())

    assert refused.value.problems == (
        f"{folder.as_posix()}:1:1: cannot be read: Permission denied",
    )


class _Closed(type(Path())):  # type: ignore[misc]
    """A folder without rights: root, who runs these tests in CI, would be let in."""

    def is_dir(self) -> bool:
        return True

    def iterdir(self) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied")


def test_alerts_must_reach_somebody(tmp_path: Path) -> None:
    routing = (
        "channels: {telegram: {enabled: true}, slack: {enabled: false}}\n"
        "summary: []\nalerts: [slack]"
    )

    assert problems(tmp_path, a_rule("booking_in_db"), routing=routing) == [
        "notifications.yaml:3:9: no channel of the alerts is enabled: "
        "nobody would hear of a failure"
    ]


def test_routing_leaves_out_channels_that_are_off(tmp_path: Path) -> None:
    routing = (
        "channels: {telegram: {enabled: true}, slack: {enabled: false}}\n"
        "summary: [slack]\nalerts: [slack, telegram, telegram]"
    )

    read = a_rulebook(tmp_path, a_rule("booking_in_db"), routing=routing).routing

    assert read.enabled == ("telegram",)
    assert read.channels_for(alert=False) == ()
    assert read.channels_for(alert=True) == ("telegram",)


def test_when_the_owner_is_told_is_read_and_what_is_wrong_there_has_its_place(
    tmp_path: Path,
) -> None:
    on = "channels: {telegram: {enabled: true}}\nalerts: [telegram]\n"
    summary = 'summary: {when: daily, digest_at: "20:30", quiet: ["21:00", "09:00"]}'
    rule = a_rule("booking_in_db")

    routing = a_rulebook(tmp_path, rule, routing=on + summary).routing

    assert (routing.summary.when, routing.channels_for(alert=False)) == ("daily", ("telegram",))
    for wrong, place in [
        (summary.replace("20:30", "22:30"), "3:51"),
        (summary.replace("20:30", "8 pm"), "3:35"),
        (summary.replace("daily", "sometimes"), "3:17"),
    ]:
        (found,) = problems(tmp_path, rule, routing=on + wrong)
        assert found.startswith(f"notifications.yaml:{place}: ")


def test_a_store_cannot_name_a_template_that_is_not_there(tmp_path: Path) -> None:
    store = Store(id="1", name="가", alias="가", templates={"note": "nose", "nope": "note"})

    found = problems(tmp_path, a_rule("booking_in_db"), of_stores={"1": store})

    assert len(found) == 2
    assert "store 1 names template 'nose' in stores.yaml" in found[1]
    assert "did you mean 'note'?" in found[1]


def test_the_shipped_rules_load_also_without_access_data() -> None:
    book = load_rulebook(ROOT / "rules", ROOT / "deployments/stores.yaml")

    assert isinstance(book, Rulebook)
    assert book.enabled_names == shipped().enabled_names


@pytest.mark.parametrize(
    ("registry", "word"), [(r, w) for r in (CONDITIONS, ACTIONS) for w in sorted(r)]
)
def test_the_yaml_of_every_docstring_loads(tmp_path: Path, registry: dict, word: str) -> None:  # type: ignore[type-arg]
    words, example = described(registry[word])
    assert words.endswith((".", "?"))
    assert word in example
    indented = "".join(f"    {line}\n" for line in example.splitlines())
    templates = "templates:\n" + "".join(
        f'  {name}: {{text: "{{{{ booking.start }}}}"}}\n' for name in ("confirmation", "welcome")
    )
    guides = "".join(f'"{store}": "{{{{ booking.start }}}}", ' for store in stores())
    templates += f"  guide: {{stores: {{{guides}}}}}\n"
    when, then = "    - booking_in_db\n", "    - create_db_record\n    - send_sms: welcome\n"
    if registry is CONDITIONS:
        when = indented
    else:
        # Each example is a rule of its own: one rule owes a kind once only.
        then = indented.split("\n    - ")[0] + "\n"
    rules = f"- rule: r\n  when:\n{when}  then:\n{then}"

    book = a_rulebook(tmp_path, rules, templates=templates, fields=switched_on())

    assert book.rules


def test_the_readme_of_the_rules_is_the_catalogue() -> None:
    assert (ROOT / "rules/README.md").read_text("utf-8") == catalogue(), (
        "run: .venv/bin/naverplace rules catalogue > rules/README.md"
    )


JUNK: tuple[Any, ...] = (
    None,
    True,
    0,
    -1.5,
    "",
    "x",
    [],
    {},
    [None],
    [[1]],
    {"x": {"y": 1}},
    "{{ booking",
    "뷁",
)


def _spots(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    parts: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    for key, part in parts:
        yield from _spots(part, (*path, key))


@pytest.mark.parametrize("name", sorted(p.name for p in (ROOT / "rules").glob("*.yaml")))
def test_whatever_stands_in_a_file_is_read_or_refused_as_a_mistake(
    tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "rules"
    shutil.copytree(ROOT / "rules", folder)
    node = load_yaml(folder / name, ErrorList())
    assert node
    whole = node.plain
    chance = random.Random(name)
    spots = list(_spots(whole))

    for path in chance.sample(spots, min(25, len(spots))):
        changed = copy.deepcopy(whole)
        inner = changed
        for key in path[:-1]:
            inner = inner[key]
        if path:
            inner[path[-1]] = chance.choice(JUNK)
        (folder / name).write_text(yaml.safe_dump(changed, allow_unicode=True), "utf-8")
        with contextlib.suppress(RulesError):
            load_rulebook(folder, stores(), access=access())


@pytest.mark.parametrize(
    ("keyword", "words"),
    [
        ("“네이버”", "holds the quotation mark '“' (U+201C)"),
        ("네이버, 인스타", "holds ',' (U+002C); write a list: [가, 나]"),
        ("네이버，인스타", "holds '，' (U+FF0C); write a list"),
        ("네이버\u00a0리뷰", "(U+00A0), which nobody sees"),
        ("네이버\u200b", "(U+200B), which nobody sees"),
        (" 네이버", "is blank, or begins or ends with a blank"),
        ("   ", "is blank, or begins or ends with a blank"),
    ],
)
def test_a_keyword_that_never_fires_or_always_is_refused_with_its_place(
    tmp_path: Path, keyword: str, words: str
) -> None:
    [found] = problems(tmp_path, a_rule(f"has_option_keyword: '{keyword}'"))

    assert found.startswith("r.yaml:2:")
    assert words in found


def test_a_keyword_as_a_mac_types_it_is_the_same_word(tmp_path: Path) -> None:
    typed = unicodedata.normalize("NFD", "네이버")
    book = a_rulebook(tmp_path, a_rule(f"has_option_keyword: {typed}"))
    booking = a_booking(options=(Option(name="네이버 리뷰"),))

    assert fired(decided(book, [booking], recorded(booking))) == ["r"]


@pytest.mark.parametrize("name", ["mine.yml", "mine.yaml.txt", "mine.YAML", "mine.yaml.yml"])
def test_a_file_that_looks_like_rules_and_is_not_read_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("- rule: x\n", "utf-8")
    for other in ("mine.yaml~", ".mine.yaml.swp", "README.md", "mine.yaml.bak"):
        (tmp_path / other).write_text("", "utf-8")

    assert problems(tmp_path, a_rule("booking_in_db")) == [
        f"{name}:1:1: is not read; name it mine.yaml"
    ]


def test_a_message_whose_hours_never_meet_its_rules_hour_is_refused(tmp_path: Path) -> None:
    templates = TEMPLATES.replace("note: {text:", 'note: {send_between: ["09:00", "18:00"], text:')

    def found(hour: int) -> Sequence[str]:
        rule = a_rule(f"current_hour: {hour}", "send_sms: note")
        try:
            a_rulebook(tmp_path, rule, templates=templates)
        except RulesError as error:
            return error.problems
        return []

    assert [hour for hour in range(24) if not found(hour)] == list(range(9, 18))
    (said,) = found(20)
    assert "can never be sent: the rule holds from 20:00 to 20:59" in said
    assert "r.yaml:3:" in said
