"""docs/how-to-add.md, followed to the letter: the suite that matters passes on what it makes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.docs.test_how_to_add import BLOCK, ROOT, SECTIONS, Copy
from tests.nightly import at_night

SUITE = (
    *("tests/settings/test_settings.py", "tests/settings/test_env_names.py"),
    *("tests/domain/test_stores.py", "tests/domain/test_extra_fields.py"),
    *("tests/rules/test_engine.py", "tests/rules/test_shipped_rules.py"),
    *("tests/rules/test_rule_tests.py", "tests/rules/test_rulebook_version.py"),
    *("tests/rules/test_mistakes.py", "tests/messaging", "tests/rules/test_rule_warnings.py"),
    "tests/rules/test_json_schema.py::test_the_stored_schemas_are_current",
    "tests/rules/test_rulebook.py::test_the_readme_of_the_rules_is_the_catalogue",
)


@at_night
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_suite_that_matters_passes_on_what_the_page_makes(
    tmp_path: Path, world_env: dict[str, str]
) -> None:
    folder = tmp_path / "project"
    beside = shutil.ignore_patterns(".*_cache", ".git", ".venv", ".tools", "__pycache__", "*.pyc")
    shutil.copytree(ROOT, folder, ignore=beside)
    project = Copy(folder)
    for name, text in SECTIONS:
        for kind, content in BLOCK.findall(text):
            if kind == "diff":
                project.apply(content)
                continue
            for command in content.replace("$ ", "").splitlines():
                if "doctor" not in command:
                    done = project.type(command, world_env)
                    assert done.returncode == 0, f"{name}: {command}\n{done.stdout}{done.stderr}"

    done = project.type(f"pytest -q -p no:cacheprovider {' '.join(SUITE)}", {})

    assert done.returncode == 0, done.stdout[-6000:]
