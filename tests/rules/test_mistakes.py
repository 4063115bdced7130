"""One mistake is one line, at its own place, and says what would be right, without jargon."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from naverplace.base.errors import RulesError
from naverplace.cli.app import app
from naverplace.rules.rulebook import load_rulebook
from tests.rule_builders import ROOT

JARGON = re.compile(
    r"valid (string|boolean|integer|number|list)|pattern|pydantic|Input |token|mapping|scalar"
    r"|stream|\^|\\w|\[a-z|Error|JMESPath|None|dict|tuple"
)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The shipped files, to be broken."""
    shutil.copytree(ROOT / "rules", tmp_path / "rules")
    shutil.copy(ROOT / "deployments/stores.yaml", tmp_path / "stores.yaml")
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def told(shop: Path) -> list[str]:
    with pytest.raises(RulesError) as raised:
        load_rulebook(shop / "rules", shop / "stores.yaml")
    folder = f"{shop.as_posix()}/"
    return [p.removeprefix(folder).removeprefix("rules/") for p in raised.value.problems]


ONE_MISTAKE: dict[str, Callable[[Path], None]] = {
    "templates.yaml:9:11: the text takes": lambda shop: edit(
        shop / "rules/templates.yaml", "감사합니다.", "감사합니다." * 300
    ),
    "templates.yaml::14: the subject takes": lambda shop: edit(
        shop / "rules/templates.yaml", "[예약확정]", "[예약이 잘 확정되었음을 알려 드립니다]"
    ),
    "templates-guide.yaml::14: the subject takes": lambda shop: edit(
        shop / "rules/templates-guide.yaml", "[이용안내]", "[이용하실 때 꼭 알아 두실 것들 안내]"
    ),
    "templates.yaml::1: ": lambda shop: edit(
        shop / "rules/templates.yaml", "  confirmation:", "\tconfirmation:"
    ),
    "templates-guide.yaml::1: unknown key": lambda shop: edit(
        shop / "rules/templates-guide.yaml", "templates:", "template:"
    ),
    "fields.yaml::1: unknown key": lambda shop: edit(
        shop / "rules/fields.yaml", "fields:", "field:"
    ),
    "fields.yaml::41: type: should be 'str', 'int'": lambda shop: edit(
        shop / "rules/fields.yaml", "type: int", "type: itn"
    ),
    "fields.yaml::28: ": lambda shop: edit(shop / "rules/fields.yaml", "[].value", "[.value"),
    "stores.yaml::": lambda shop: edit(shop / "stores.yaml", "alias:", "alais:"),
    "stores.yaml::1: unknown key": lambda shop: edit(shop / "stores.yaml", "stores:", "store:"),
    "reminders.yaml::9: rule: 'new booking' cannot be used here": lambda shop: edit(
        shop / "rules/reminders.yaml", "new-booking", "new booking"
    ),
    "reminders.yaml::": lambda shop: edit(shop / "rules/reminders.yaml", "  when:\n", "\twhen:\n"),
    "examples.yaml::12: enabled: should be true or false": lambda shop: edit(
        shop / "rules/examples.yaml", "  enabled: false", "  enabled: no"
    ),
    "examples.yaml::7: unknown action 'send_sm'": lambda shop: edit(
        shop / "rules/examples.yaml", "send_sms: welcome", "send_sm: welcome"
    ),
    "notifications.yaml::20: enabled: should be true or false": lambda shop: edit(
        shop / "rules/notifications.yaml", "enabled: false", "enabled: off"
    ),
    "notifications.yaml::14: digest_at: should be a": lambda shop: edit(
        shop / "rules/notifications.yaml", '"21:00"', '"25:00"'
    ),
    "notifications.yaml::16: every_hours: should be a number": lambda shop: edit(
        shop / "rules/notifications.yaml", "every_hours: 3", "every_hours: three"
    ),
}


@pytest.mark.parametrize("place", ONE_MISTAKE)
def test_one_mistake_is_one_line_at_its_place(shop: Path, place: str) -> None:
    name, line, rest = place.split(":", 2)
    before = {path.name: path.read_text("utf-8") for path in shop.rglob("*.yaml")}
    ONE_MISTAKE[place](shop)
    after = {path.name: path.read_text("utf-8") for path in shop.rglob("*.yaml")}
    edited = [
        str(number)
        for number, (old, new) in enumerate(
            zip(before[name].splitlines(), after[name].splitlines(), strict=True), 1
        )
        if old != new
    ]

    [found] = told(shop)

    assert found.startswith(f"{name}:{line or edited[0]}:{rest}")
    assert not JARGON.search(found.partition(": ")[2]), found


def test_the_mistakes_of_all_files_are_told_at_once_and_none_twice(shop: Path) -> None:
    for name in ("stores.yaml", "rules/fields.yaml", "rules/notifications.yaml"):
        text = (shop / name).read_text("utf-8")
        (shop / name).write_text(f"{text}oddly: 1\n", "utf-8")
    edit(shop / "rules/templates.yaml", "type: LMS", "type: MMS")
    edit(shop / "rules/templates-guide.yaml", "booking.start", "booking.strt")
    edit(shop / "rules/reminders.yaml", "flag_not_set: confirm_sms", "flag_not_set: confirm")
    edit(shop / "rules/examples.yaml", "store_is: 1051707", "store_is: 1")

    found = told(shop)

    assert [problem.partition(":")[0] for problem in found] == [
        *("examples.yaml", "fields.yaml", "notifications.yaml", "reminders.yaml"),
        *("templates-guide.yaml", "templates.yaml", "stores.yaml"),
    ]


def test_a_store_s_own_template_that_is_in_no_file_is_named_in_the_stores_file(shop: Path) -> None:
    text = yaml.safe_load((shop / "stores.yaml").read_text("utf-8"))
    text["stores"]["1051707"]["templates"] = {"event": "evnt"}
    (shop / "stores.yaml").write_text(yaml.safe_dump(text, allow_unicode=True), "utf-8")

    [found] = told(shop)

    assert found.startswith("stores.yaml:")
    assert "did you mean 'event'?" in found


def test_rules_check_names_no_class_and_counts_the_mistakes(shop: Path) -> None:
    edit(shop / "rules/examples.yaml", "  enabled: false", "  enabled: yes")
    edit(shop / "rules/templates.yaml", "감사합니다.", "감사합니다." * 300)
    files = ["--rules-dir", str(shop / "rules"), "--stores-file", str(shop / "stores.yaml")]

    done = CliRunner().invoke(app, ["rules", "check", *files], env={"COLUMNS": "200"})

    assert done.exit_code == 2
    lines = done.stderr.strip().splitlines()
    assert [line.partition(":")[2].partition(" ")[0] for line in lines[:2]] == ["8:12:", "9:11:"]
    assert lines[2:] == ["2 mistakes"]
