"""Tests of rules beside the rules: what they say of the shipped ones, and how they fail."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from naverplace.cli.app import app
from naverplace.rules.mutants import mutants_of, unnoticed
from naverplace.rules.rule_tests import RuleTester
from tests.rule_builders import ROUTING, TEMPLATES, a_rule, a_rulebook, problems, shipped

RULE = a_rule("booking_status: RC03, any: [booking_in_db, {current_hour: 20}]", "send_sms: note")
STORES = 'stores:\n  "1051707": {name: 가게, alias: 가}\n'


def with_tests(*tests: str, rule: str = RULE) -> str:
    return rule + "  tests:\n" + "".join(f"    - {test}\n" for test in tests)


def test_the_shipped_rules_pass_their_tests_which_have_seen_every_condition_both_ways() -> None:
    tester = RuleTester(shipped())

    for rule in shipped().rules:
        assert rule.tests, rule.name
        assert list(tester.failures(rule)) == []
        assert list(tester.coverage(rule).gaps()) == []


def test_the_tests_of_the_shipped_rules_notice_small_changes() -> None:
    tried = [unnoticed(shipped(), rule) for rule in shipped().rules]

    made = sum(count for _, count in tried)
    alive = [mutant.change for mutants, _ in tried for mutant in mutants]
    assert made > 100
    assert len(alive) <= 0.05 * made, alive


def test_a_mutant_changes_one_thing() -> None:
    [guide] = [rule for rule in shipped().rules if rule.name == "guide"]

    changes = [mutant.change for mutant in mutants_of(guide, shipped())]

    assert len(changes) == len(set(changes))
    assert {
        "without booking_status(RC03)",
        "time_before_booking(hours=3.0) instead of time_before_booking(hours=2)",
        "flag_not_set(flag=confirm_sms) instead of flag_not_set(remind_sms)",
        "not(booking_status(RC03)) instead of booking_status(RC03)",
        "any(...) instead of all(...)",
    } <= set(changes)


@pytest.mark.parametrize(
    ("test", "found"),
    [
        ("{given: {in_db: true}, expect: sent}", ""),
        ("{given: {in_db: true}, expect: {sent: note}}", ""),
        ("{given: {now: '20:00'}, expect: sent}", ""),
        ("{expect: {not sent because of: any}}", ""),
        ("{given: {status: RC04}, expect: {not sent because of: booking_status}}", ""),
        ("{given: {status: RC04}, expect: {not sent because of: booking_status(RC03)}}", ""),
        ("{given: {owed: [note], in_db: true}, expect: sent}", ""),
        ("{given: {in_db: true}, expect: {sent: confirmation}}", "sent: note"),
        ("{expect: sent}", "not sent because of: any(booking_in_db, current_hour(20))"),
        ("{given: {status: RC04}, expect: {not sent because of: any}}", "booking_status(RC03)"),
        ("{given: {in_db: true}, expect: {not sent because of: any}}", "sent: note"),
    ],
)
def test_a_test_says_what_the_rule_does(tmp_path: Path, test: str, found: str) -> None:
    book = a_rulebook(tmp_path, with_tests(test))

    told = [failure.outcome.text for failure in RuleTester(book).failures(book.rules[0])]

    assert bool(told) == bool(found)
    assert found in "".join(told)


def test_a_condition_that_was_never_reached_or_never_said_no_is_named(tmp_path: Path) -> None:
    book = a_rulebook(tmp_path, with_tests("{given: {in_db: true}, expect: sent}"))

    gaps = RuleTester(book).coverage(book.rules[0]).gaps()

    assert [(call.text, answer) for call, answer in gaps] == [
        ("booking_status(RC03)", False),
        ("booking_in_db", False),
        ("current_hour(20)", True),
        ("current_hour(20)", False),
    ]


@pytest.mark.parametrize(
    ("test", "mistake"),
    [
        ("{given: {stats: RC03}, expect: sent}", "unknown key 'stats'; did you mean 'status'?"),
        ("{given: {status: RC3}, expect: sent}", "status: unknown booking status 'RC3'"),
        ("{given: {now: 8 pm}, expect: sent}", "now: should be a Korean time like"),
        ("{given: {}}", "key 'expect' is missing"),
        ("{expect: snet}", "expect: should be 'sent', 'sent: TEMPLATE' or 'not sent because of"),
        (
            "{expect: {not sent because of: starts_in_future}}",
            "this rule has no condition 'starts_in_future'; it has any(",
        ),
    ],
)
def test_a_wrong_test_is_told_with_its_place(tmp_path: Path, test: str, mistake: str) -> None:
    [found] = problems(tmp_path, with_tests(test))

    assert found.startswith("r.yaml:5:")
    assert mistake in found


def run(folder: Path, *tests: str) -> Result:
    rules = folder / "rules"
    rules.mkdir(exist_ok=True)
    for name, text in {
        "r": with_tests(*tests),
        "templates": TEMPLATES,
        "notifications": ROUTING,
        "fields": "fields: {}\n",
    }.items():
        (rules / f"{name}.yaml").write_text(text, "utf-8")
    (folder / "stores.yaml").write_text(STORES, "utf-8")
    files = ["--rules-dir", str(rules), "--stores-file", str(folder / "stores.yaml")]
    return CliRunner().invoke(app, ["rules", "test", "--mutate", *files], env={"COLUMNS": "300"})


def test_the_command_names_what_fails_and_what_was_never_seen(tmp_path: Path) -> None:
    done = run(tmp_path, "{given: {in_db: true}, expect: sent}", "{expect: sent}")

    assert done.exit_code == 1
    assert "r.yaml:6:7: rule 'r' should be 'sent', and is 'not sent because of: any(" in done.stderr
    assert "booking_status(RC03) has not been seen false in a test of 'r'" in done.stdout
    assert "2 tests of 1 rules, 1 failed" in done.stdout


def test_the_command_names_small_changes_that_no_test_notices(tmp_path: Path) -> None:
    done = run(tmp_path, "{given: {in_db: true}, expect: sent}")

    assert done.exit_code == 0
    assert "no test of 'r' notices without booking_status(RC03)" in done.stdout
    assert re.search(r"\d of \d+ small changes of the rules are noticed \(\d+ %\)", done.stdout)
