"""A slip of the finger in any word of the shipped rules is found at load, on its own line."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from naverplace.errors import RulesError
from naverplace.fields import load_fields
from naverplace.rulebook import load_rulebook
from tests.deciding import DEFAULT_SENDER, ROOT, stores

FILES = ("reminders.yaml", "examples.yaml", "notifications.yaml")
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,}|\d{4}-\d\d-\d\d|\d{6,}")
FREE = re.compile(r"#.*|(?<=rule: ).*|(?<=description: ).*")  # may say anything


def words() -> Iterator[tuple[str, int, int, str]]:
    for name in FILES:
        for at, line in enumerate((ROOT / "rules" / name).read_text("utf-8").splitlines()):
            said = FREE.sub(lambda free: " " * len(free[0]), line)
            yield from ((name, at, found.start(), found[0]) for found in WORD.finditer(said))


def slips(word: str) -> list[str]:
    middle = len(word) // 2
    dropped = word[:middle] + word[middle + 1 :]
    doubled = word[:middle] + word[middle] + word[middle:]
    swapped = word[: middle - 1] + word[middle] + word[middle - 1] + word[middle + 1 :]
    return [slip for slip in (dropped, doubled, swapped) if slip != word]


ALL = list(words())


@pytest.mark.parametrize("number", range(len(ALL)))
def test_a_slip_is_found_on_its_line(number: int, tmp_path: Path) -> None:
    name, at, column, word = ALL[number]
    slip = slips(word)[number % len(slips(word))]
    folder = tmp_path / "rules"
    shutil.copytree(ROOT / "rules", folder)
    lines = (folder / name).read_text("utf-8").splitlines()
    lines[at] = lines[at][:column] + slip + lines[at][column + len(word) :]
    (folder / name).write_text("\n".join(lines), "utf-8")

    with pytest.raises(RulesError) as raised:
        load_rulebook(
            folder,
            stores=stores(),
            fields=load_fields(ROOT / "rules/fields.yaml"),
            default_sender=DEFAULT_SENDER,
        )

    places = {problem.split(": ")[0].rpartition(":")[0] for problem in raised.value.problems}
    assert f"{(folder / name).as_posix()}:{at + 1}" in places, (slip, raised.value.problems)
