"""Settings in environment variables and `.env` files, as people really write them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from naverplace.base.errors import SettingsError
from naverplace.settings.loader import load_settings
from tests.settings.setting_values import REAL, load, problems_of


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"A=1\n\nNAVERPLACE_NAVER__PASSWORD='canary\n", ".env:3: is not NAME=value"),
        (b"NAVERPLACE_NAVER__PASSWORD='canary' more\n", ".env:1: is not NAME=value"),
        (b"two words\n", ".env:1: is not NAME=value"),
        ("NAVERPLACE_NAVER__PASSWORD=canary비밀".encode("euc-kr"), "cannot be read (Unicode"),
        (b"NAVERPLCE_NAVER__PASSWORD=canary", "did you mean 'NAVERPLACE_NAVER__PASSWORD'?"),
        (b"NAVER_PLACE_SENS__URL=canary", "did you mean 'NAVERPLACE_SENS__URL'?"),
        (b"NAVERPLACE_SENS_URL=canary", "did you mean 'NAVERPLACE_SENS__URL'?"),
    ],
)
def test_a_line_of_the_env_file_that_would_be_dropped_is_a_problem(
    tmp_path: Path, content: bytes, words: str
) -> None:
    env_file = tmp_path / ".env"
    env_file.write_bytes(content)

    with pytest.raises(SettingsError) as refused:
        load_settings(env=REAL, env_file=env_file)

    assert any(words in problem for problem in refused.value.problems), refused.value.problems
    assert "canary" not in str(refused.value)


def test_a_folder_in_the_place_of_the_env_file_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(env=REAL, env_file=tmp_path)


def test_an_env_file_of_a_windows_editor_is_read(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_bytes(b"\xef\xbb\xbfNAVERPLACE_NAVER__PAGE_SIZE=20\r\nOTHER=$x\r\n")

    assert load_settings(env=REAL, env_file=env_file).naver.page_size == 20


def test_variables_of_others_are_left_alone() -> None:
    assert load(NAVER_CLIENT_ID="x", PREFECT_HOME="y", NAVERPLACE_NAVER__PAGE_SIZE="") == load()


@pytest.mark.parametrize(
    "password", ["12345678", "true", "null", '{"a": 1}', "[1, 2]", '"quoted"', "a$HOME b#c", "비밀"]
)
def test_a_password_is_taken_as_it_is_written(password: str) -> None:
    settings = load(NAVERPLACE_NAVER__PASSWORD=password)

    assert settings.naver.password.get_secret_value() == password


def test_wrong_json_spoils_only_its_own_variable() -> None:
    problems = problems_of(NAVERPLACE_QUALITY="[]", NAVERPLACE_ACCESS='"canary"')

    assert problems[:-1] == (
        "NAVERPLACE_ACCESS: is not valid JSON of an object, like {...}",
        "NAVERPLACE_QUALITY: is not valid JSON of an object, like {...}",
    )


def test_a_section_as_json_and_single_variables_are_laid_together() -> None:
    quality = json.dumps({"max_bad_share": 0.5, "past_days": 10})

    settings = load(NAVERPLACE_QUALITY=quality, NAVERPLACE_QUALITY__PAST_DAYS="20")

    assert (settings.quality.max_bad_share, settings.quality.past_days) == (0.5, 20)


def test_settings_take_a_section_as_json() -> None:
    block = json.dumps({"max_bad_share": 0.5})

    assert load(NAVERPLACE_QUALITY=block).quality.max_bad_share == 0.5


def test_an_unknown_variable_is_answered_with_the_nearest() -> None:
    problems = problems_of(NAVERPLACE_NAVER__PASWORD="x", NAVERPLACE_NAVER__PASSWORD=None)

    assert (
        "NAVERPLACE_NAVER__PASWORD: unknown setting in the environment; "
        "did you mean 'NAVERPLACE_NAVER__PASSWORD'?"
    ) in problems
    assert sum("PASWORD" in problem for problem in problems) == 1
