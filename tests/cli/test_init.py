"""From nothing to a shop that a run serves, as a person types it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from naverplace.cli.app import app
from sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[2]
ASKED = (
    *("NAVERPLACE_SENS__SERVICE_ID", "NAVERPLACE_SENS__ACCESS_KEY"),
    *("NAVERPLACE_SENS__SECRET_KEY", "NAVERPLACE_SENS__DEFAULT_SENDER"),
    *("NAVERPLACE_TELEGRAM__BOT_TOKEN", "NAVERPLACE_TELEGRAM__CHAT_ID"),
    *("NAVERPLACE_NAVER__USERNAME", "NAVERPLACE_NAVER__PASSWORD"),
)
STORE = ("--store", "1051707", "--name", "셀프스튜디오 화성점", "--alias", "화성점")
PHONE = "010-0000-0999"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the shipped rules, and nothing else."""
    (tmp_path / "here").mkdir()
    shutil.copytree(ROOT / "rules", tmp_path / "here/rules")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def test_a_script_sets_up_a_shop_that_the_next_run_serves(
    place: Path, world: Sandbox, world_env: dict[str, str]
) -> None:
    words = ["init", *STORE, "--my-phone", PHONE, "--no-login"]

    result = CliRunner().invoke(app, words, env=world_env)

    assert result.exit_code == 0, result.output
    assert (place / ".env").stat().st_mode & 0o777 == 0o600
    assert [m["to"] for m in world.messages()] == [PHONE.replace("-", "")]
    assert "naverplace is connected" in world.world.telegram[0]["text"]
    assert world_env["NAVERPLACE_SENS__SECRET_KEY"] not in result.output
    # What was asked for stands in the file: without it in the environment all is as before.
    rest = {name: value for name, value in world_env.items() if name not in ASKED}
    later = CliRunner().invoke(app, ["run"], env=rest)
    assert later.exit_code == 0, later.output
    assert len(world.messages()) > 1  # the store's customers have theirs
    again = CliRunner().invoke(app, words, env=world_env)
    assert (again.exit_code, "there already: shop/stores.yaml" in again.stderr) == (2, True)


def type_answers(env: dict[str, str], *answers: str) -> Result:
    given = dict.fromkeys(ASKED, "") | {"NAVERPLACE_ACCESS": ""}
    words = ["init", "--no-login"]
    return CliRunner().invoke(app, words, env={**env, **given}, input="\n".join(answers) + "\n")


def test_a_person_is_asked_again_until_an_answer_is_good(
    place: Path, world: Sandbox, world_env: dict[str, str]
) -> None:
    service, access, secret, sender, token, chat, name, password = (world_env[n] for n in ASKED)

    result = type_answers(
        world_env,
        *("1051707", "셀프스튜디오 화성점", "화성점", "7301*#"),
        *(service, access, "not-the-secret", sender),
        *(service, access, secret, sender, "-"),
        *("1:wrong", chat, token, chat, name, password),
    )

    assert result.exit_code == 0, result.output
    assert "401" in result.stderr
    assert result.stderr.count("Naver Cloud secret key") == 2
    assert result.stderr.count("token of the bot") == 2
    assert "7301*#" not in result.output
    assert "{{ access.door_code }}" in (place / "shop/rules/templates-guide.yaml").read_text()
    assert (
        'NAVERPLACE_ACCESS=\'{"1051707": {"door_code": "7301*#"}}\'' in (place / ".env").read_text()
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--store", "my-shop"], "'my-shop' is no number of a store"),
        (["--my-phone", "12"], "not a Korean phone number"),
    ],
)
def test_an_answer_of_a_script_that_is_wrong_ends_it_before_anything_is_written(
    place: Path, world_env: dict[str, str], words: list[str], said: str
) -> None:
    typed = ["init", *STORE, "--my-phone", "-", "--no-login", *words]

    result = CliRunner().invoke(app, typed, env=world_env)

    assert (result.exit_code, said in result.stderr) == (2, True), result.output
    assert not (place / ".env").exists()
