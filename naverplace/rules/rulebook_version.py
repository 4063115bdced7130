"""Which rulebook is in force: the texts of its files, their hash, and how it is told."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from naverplace.base.clock import SEOUL
from naverplace.base.translation import current_language
from naverplace.rules.actions import kind_of
from naverplace.rules.rule_parser import Rule

RULES, STORES = "rules", "stores.yaml"  # where the files lie in a folder of their own
_SHOWN = 8  # characters of the hash
_MOST = 5  # mistakes that are listed
_LONGEST = 200  # characters of one


@dataclass(frozen=True)
class DatedRule:
    """An enabled rule: since when it is there, and which messages it sends."""

    since: datetime | None  # None: it was there before anybody noted it
    kinds: tuple[str, ...]


def date_rules(
    rules: Iterable[Rule], known: Mapping[str, DatedRule] | None, *, since: datetime | None
) -> dict[str, DatedRule]:
    """Date a rulebook's enabled rules: those that are not `known` are new, and there `since`.

    A rule that takes the messages of one that is gone is that one under another name. Without
    `known` rules none is new.
    """
    enabled = {rule.name: _kinds(rule) for rule in rules if rule.enabled}
    if known is None:
        return {name: DatedRule(None, kinds) for name, kinds in enabled.items()}
    gone = {rule.kinds: rule for name, rule in known.items() if name not in enabled and rule.kinds}
    dated = {}
    for name, kinds in enabled.items():
        before = known.get(name) or gone.get(kinds)
        dated[name] = DatedRule(before.since if before else since, kinds)
    return dated


def _kinds(rule: Rule) -> tuple[str, ...]:
    said = [call.parameters for call in rule.then if call.word == "send_sms"]
    return tuple(sorted(kind_of(given["template"], given["once"]) for given in said))


@dataclass(frozen=True)
class RulebookVersion:
    """The version that decides now, and what is wrong with the newer files if they are refused."""

    id: str = ""
    since: datetime | None = None  # aware; None: it is not kept for a later run
    refused: tuple[str, ...] = ()  # scrubbed, each `file:line:column: text`
    gone: Mapping[str, str] = field(
        default_factory=dict
    )  # aliases of stores that are named no more
    rules: Mapping[str, DatedRule] = field(default_factory=dict)

    @property
    def rules_since(self) -> dict[str, datetime]:
        """Tell since when each rule is there, as far as it is known."""
        return {name: rule.since for name, rule in self.rules.items() if rule.since}

    @property
    def short(self) -> str:
        """Give as much of its hash as a person needs."""
        return self.id[:_SHOWN]

    @property
    def mistakes(self) -> tuple[str, ...]:
        """List the first mistakes of the refused files, each on one line."""
        left = len(self.refused) - _MOST
        first = [" ".join(problem.split()) for problem in self.refused[:_MOST]]
        lines = [line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…" for line in first]
        return (*lines, f"… +{left}") if left > 0 else tuple(lines)

    def korean(self) -> str:
        """Write for the owner what is in force."""
        since = f" ({self.since.astimezone(SEOUL):%m/%d %H:%M}부터)" if self.since else ""
        newer = " · 새로 고친 파일은 잘못된 곳이 있어 쓰지 않습니다" if self.refused else ""
        return f"규칙집 {self.short}{since}{newer}"

    def worded(self) -> str:
        """Write what is in force in the reader's language."""
        return self.korean() if current_language() == "ko" else self.english()

    def english(self) -> str:
        """Write for the engineer what is in force."""
        since = (
            f"since {self.since.astimezone(SEOUL):%Y-%m-%d %H:%M}" if self.since else "not kept yet"
        )
        newer = "; the newer files are refused" if self.refused else ""
        return f"rulebook {self.short}, {since}{newer}"


def read_texts(rules_dir: Path, stores_file: Path) -> dict[str, bytes]:
    """Read the files of a rulebook as they are, right or wrong; what cannot be read is left out."""
    files = {f"{RULES}/{path.name}": path for path in rules_dir.glob("*.yaml")}
    texts = {}
    for name, path in sorted({**files, STORES: stores_file}.items()):
        try:
            texts[name] = path.read_bytes()
        except OSError:  # the loader names it
            continue
    return texts


def write_texts(texts: Mapping[str, bytes], folder: Path) -> tuple[Path, Path]:
    """Write the files of a rulebook into a folder; give that of the rules, and the stores' file."""
    (folder / RULES).mkdir()
    for name, text in texts.items():
        (folder / name).write_bytes(text)
    return folder / RULES, folder / STORES


def version_of(texts: Mapping[str, bytes]) -> str:
    """Hash names and contents: alike for alike files, wherever they lie.

    All that stands in them counts, also comments and the tests of rules: a version is its files.
    """
    hashed = hashlib.sha256()
    for name, text in sorted(texts.items()):
        hashed.update(b"%d %s %d " % (len(name.encode()), name.encode(), len(text)) + text)
    return hashed.hexdigest()[:16]


def rules_version(rules_dir: Path, stores_file: Path) -> str:
    """Hash the files as they are now; the version in force is another one while they are wrong."""
    return version_of(read_texts(rules_dir, stores_file))
