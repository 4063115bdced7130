"""The hash of a rulebook's files, and the files in another place."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from naverplace.rules.rulebook_version import (
    DatedRule,
    date_rules,
    read_texts,
    rules_version,
    write_texts,
)
from tests.rule_builders import NOW, shipped, with_rules


def test_the_version_follows_names_and_texts_of_every_file_and_not_their_place(
    tmp_path: Path,
) -> None:
    (tmp_path / "here").mkdir()
    rules, stores = write_texts({"rules/a.yaml": b"a", "stores.yaml": b"s"}, tmp_path / "here")
    first = rules_version(rules, stores)
    (tmp_path / "there").mkdir()
    assert rules_version(*write_texts(read_texts(rules, stores), tmp_path / "there")) == first

    (rules / "README.md").write_text("no file of the rulebook")
    assert rules_version(rules, stores) == first
    stores.write_bytes(b"t")
    changed = rules_version(rules, stores)
    (rules / "a.yaml").rename(rules / "b.yaml")
    assert len({first, changed, rules_version(rules, stores)}) == 3


def dated(known: dict[str, DatedRule] | None, *names: str) -> dict[str, DatedRule]:
    return date_rules(with_rules(shipped(), *names).rules, known, since=NOW)


def test_only_a_rule_that_nobody_knew_is_new() -> None:
    first = dated(None, "guide", "event")
    assert {rule.since for rule in first.values()} == {None}

    more = dated(first, "guide", "event", "welcome")
    assert {name for name, rule in more.items() if rule.since} == {"welcome"}
    assert more["welcome"].since == NOW

    gone = dated(more, "guide")
    assert dated(gone, "guide", "event")["event"].since == NOW


def test_a_rule_under_another_name_is_no_new_one() -> None:
    long_ago = NOW - timedelta(days=30)
    known = {"old-guide": DatedRule(long_ago, ("guide",)), "event": DatedRule(None, ("event",))}

    assert dated(known, "guide", "event")["guide"].since == long_ago
    assert dated({**known, "guide-2": DatedRule(NOW, ())}, "guide")["guide"].since == long_ago
