"""Two languages: every text has its other half, and who reads chooses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from string import Formatter

import pytest
from typer.testing import CliRunner

from naverplace.base.translation import current_language, gettext, language_of, use_language
from naverplace.cli.app import app
from naverplace.settings.loader import load_settings
from operate.translations import MO, compiled, extract, read_catalogue


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    use_language("en")


def test_no_text_lacks_its_other_half_and_none_is_left_over() -> None:
    known = {message.id: message.string for message in read_catalogue() if message.id}
    wanted = {message.id for message in extract() if message.id}

    # `python -m operate.translations` says what is to translate.
    assert sorted(map(str, wanted - known.keys())) == []
    assert sorted(map(str, known.keys() - wanted)) == []
    assert [text for text, korean in known.items() if not korean or not all(korean)] == []


def variables(text: str) -> set[tuple[str, str]]:
    return {(name, spec or "") for _, name, spec, _ in Formatter().parse(text) if name}


def test_both_halves_have_the_same_variables() -> None:
    for message in read_catalogue():
        english = message.id if isinstance(message.id, str) else message.id[-1]
        koreans = message.string if isinstance(message.string, tuple) else (message.string,)
        # What names a template's words is filled in by nobody.
        filled_in = english and not re.search(r"{{ booking|{%", english.replace("{{{{", ""))
        for korean in koreans if filled_in else ():
            assert variables(english) == variables(str(korean)), english


def test_what_is_compiled_is_what_was_written() -> None:
    assert MO.read_bytes() == compiled(read_catalogue())


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({}, "en"),
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "C.UTF-8", "NAVERPLACE_LANGUAGE": "ko"}, "ko"),
        ({"LANG": "ko_KR.UTF-8", "NAVERPLACE_LANGUAGE": "en"}, "en"),
        ({"LANG": "", "LC_MESSAGES": "ko_KR"}, "ko"),
    ],
)
def test_the_language_is_that_of_the_setting_or_else_of_the_locale(
    variables: dict[str, str], language: str
) -> None:
    assert language_of(variables) == language


def test_a_text_that_has_no_other_half_stays_as_it_is() -> None:
    use_language("ko")

    assert [gettext(text) for text in ("", "never translated")] == ["", "never translated"]


def test_the_settings_say_the_language_wherever_they_come_from(world_env: dict[str, str]) -> None:
    load_settings(env=world_env, env_file=None, block_values={"language": "ko"})

    assert current_language() == "ko"


OWNERS = ("run", "explain", "contact", "doctor", "login", "stores", "release", "pause", "resume")


@pytest.mark.parametrize("command", [[], ["rules"], ["rules", "check"], *([o] for o in OWNERS)])
def test_the_owners_help_is_korean(command: list[str]) -> None:
    shown = CliRunner().invoke(app, [*command, "--help"], env={"LC_ALL": "ko_KR.UTF-8"})

    assert shown.exit_code == 0
    assert re.search("[가-힣]{2}", shown.stdout), shown.stdout
    english = CliRunner().invoke(app, [*command, "--help"], env={"LC_ALL": "C"})
    assert not re.search("[가-힣]", english.stdout)


def test_the_doctor_and_explain_speak_korean(
    world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    env = {**world_env, "NAVERPLACE_LANGUAGE": "ko"}

    doctor = CliRunner().invoke(app, ["doctor"], env=env)
    lost = CliRunner().invoke(app, ["explain", "010-0000-9999"], env=env)
    tables = CliRunner().invoke(app, ["init-tables"], env=env)
    as_json = CliRunner().invoke(app, ["doctor", "--json"], env=env)

    found = {
        finding["what"]: finding["found"] for finding in json.loads(as_json.stdout)["findings"]
    }
    assert [what for what, said in found.items() if not re.search("[가-힣]", said)] == []
    assert tables.stdout.strip() == "모든 표가 있습니다"
    assert "키, 서명, 서비스가 맞음" in doctor.stdout
    assert "맞는 예약이 없습니다" in lost.stderr
