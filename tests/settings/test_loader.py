"""Settings: where they come from, and what a wrong one is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest

from naverplace.base.errors import Permanent, SettingsError
from naverplace.redaction import redactor
from naverplace.redaction.redactor import MARK, REDACTOR
from naverplace.settings.loader import load_settings
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.settings.setting_values import REAL, load, problems_of


def test_the_environment_alone_is_enough() -> None:
    settings = load()

    assert settings.naver.password.get_secret_value() == "pass-word-canary"
    assert settings.sens.default_sender == "0310000000"
    assert settings.naver.partner_url == "https://partner.booking.naver.com"


def test_all_missing_settings_are_listed_at_once_with_how_to_set_them() -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(env={}, env_file=Path("nowhere/.env"))

    text = str(refused.value)
    for name in REAL:
        assert f"set {name}=" in text
    assert "tried: the environment, nowhere/.env (not there or empty)" in text
    assert "Secrets Manager (aws.secret_id is not set)" in text


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("NAVERPLACE_SENS__ATTEMPTS", "many", "sens.attempts: Input should be a valid integer"),
        ("NAVERPLACE_SENS__DEFAULT_SENDER", "me", "must be a phone number"),
        ("NAVERPLACE_SENS__SERVICE_ID", "a b", "sens.service_id"),
        ("NAVERPLACE_SENS__URL", "http://sens.example.com", "must be https"),
        ("NAVERPLACE_SENS__URL", "ftp://x", "must be a URL"),
        ("NAVERPLACE_SENS__URL", "https://user:pw@x.example.com", "user name"),
        ("NAVERPLACE_NAVER__PASSWORD", " ", "must not be blank"),
        ("NAVERPLACE_NAVER__MAX_DAYS_PER_REQUEST", "32", "naver.max_days_per_request"),
        ("NAVERPLACE_CLOCK__OFFSET_SECONDS", "-1e300", "must be at most 316224000"),
        ("NAVERPLACE_LEDGER__EXPIRED_DAYS", "4000", "must be at most 3660"),
        ("NAVERPLACE_SENS__ATTEMPTS", "9" * 400, "sens.attempts"),
        ("NAVERPLACE_ACCESS", "{", "NAVERPLACE_ACCESS: is not valid JSON"),
        ("NAVERPLACE_SLACK__WEBHOOK_URL", "hook-canary", "slack.webhook_url: must be a URL"),
    ],
)
def test_a_wrong_value_is_named_but_never_quoted(name: str, value: str, words: str) -> None:
    problems = problems_of(**{name: value})

    assert any(words in problem for problem in problems), problems
    assert not any("canary" in problem or "pw@" in problem for problem in problems)


def test_the_environment_wins_over_env_file_over_block(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text(
        "NAVERPLACE_NAVER__USERNAME=from-file\nNAVERPLACE_SENS__SERVICE_ID='ncp:sms:kr:1:$HOME'\n"
        "NAVERPLACE_TELEGRAM__CHAT_ID=file\n".replace("$HOME", "x")
    )
    env = {n: v for n, v in REAL.items() if n != "NAVERPLACE_NAVER__USERNAME"}
    block = {"naver": {"username": "from-block", "page_size": 20}, "aws": {"region": "us-east-1"}}

    settings = load_settings(env=env, env_file=env_file, block_values=block)

    assert settings.naver.username.get_secret_value() == "from-file"
    assert settings.telegram.chat_id == "-1"
    assert (settings.naver.page_size, settings.aws.region) == (20, "us-east-1")


def test_secrets_come_from_secrets_manager(world: Sandbox) -> None:
    direct = load_settings(env=world.environment(), env_file=None)

    fetched = load_settings(env=world.environment(secrets_in_manager=True), env_file=None)

    for section in ("naver", "sens", "telegram", "slack", "access"):
        assert getattr(fetched, section) == getattr(direct, section)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"NAVERPLACE_AWS__SECRET_ID": "no/such"}, "ResourceNotFoundException"),
        ({"NAVERPLACE_AWS__ENDPOINT_URL": "http://127.0.0.1:1"}, "not reached"),
    ],
)
def test_a_secret_that_cannot_be_read_is_one_of_the_problems(
    world: Sandbox, change: dict[str, str], words: str
) -> None:
    env = {**world.environment(secrets_in_manager=True), "NAVERPLACE_AWS__ATTEMPTS": "1", **change}

    with pytest.raises(SettingsError) as refused:
        load_settings(env=env, env_file=None)

    assert any(words in problem for problem in refused.value.problems)
    assert any("naver.password: is missing" in problem for problem in refused.value.problems)


def test_a_secret_that_is_no_json_is_not_quoted(world: Sandbox) -> None:
    world.world.faults.append(Fault("aws", match="GetSecretValue", kind="truncate_text"))
    env = {**world.environment(secrets_in_manager=True), "NAVERPLACE_AWS__ATTEMPTS": "1"}

    with pytest.raises(SettingsError) as refused:
        load_settings(env=env, env_file=None)

    assert world.world.account.password not in str(refused.value)


def test_loaded_secrets_are_hidden_from_then_on() -> None:
    settings = load()

    assert REDACTOR.scrub("pass-word-canary and 1:token-canary") == f"{MARK} and {MARK}"
    assert "canary" not in repr(settings)
    assert "canary" not in settings.model_dump_json()


@pytest.mark.parametrize(
    "url",
    [
        "https://api.telegram.org",
        "HTTPS://API.telegram.org",
        "https://127.0.0.1.example.com",
        "https://localhost.example.com",
    ],
)
def test_a_simulated_clock_is_refused_when_anything_leads_outside(world: Sandbox, url: str) -> None:
    env = {**world.environment(), "NAVERPLACE_TELEGRAM__URL": url}

    with pytest.raises(SettingsError, match=r"clock\.offset_seconds is for simulations"):
        load_settings(env=env, env_file=None)


def test_a_simulated_clock_is_refused_with_the_real_aws(world: Sandbox) -> None:
    env = {n: v for n, v in world.environment().items() if n != "NAVERPLACE_AWS__ENDPOINT_URL"}

    with pytest.raises(SettingsError, match=r"aws\.endpoint_url"):
        load_settings(env=env, env_file=None)


def test_a_simulated_clock_is_taken_on_loopback(world: Sandbox) -> None:
    settings = load_settings(env=world.environment(), env_file=None)

    difference = abs((settings.make_clock().now() - world.world.now()).total_seconds())
    assert difference < 5


def test_without_an_offset_the_clock_is_the_machines() -> None:
    assert load().make_clock().offset.total_seconds() == 0


def test_redaction_is_attached_before_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    monkeypatch.setattr(redactor, "attach", lambda: order.append("attached"))

    with pytest.raises(SettingsError):
        load_settings(env={}, env_file=None)

    assert order == ["attached"]


def test_a_wrong_value_names_the_source_that_gave_it() -> None:
    block = {"sens": {"attempts": "many"}, "naver": {"pasword": "canary-of-a-typo"}, "clok": {}}

    with pytest.raises(SettingsError) as refused:
        load_settings(env=REAL, env_file=None, block_values=block)

    problems = "\n".join(refused.value.problems)
    assert "(from the Prefect block); set NAVERPLACE_SENS__ATTEMPTS=" in problems
    assert (
        "naver.pasword: unknown setting in the Prefect block; did you mean 'naver.pass" in problems
    )
    assert "clok: unknown setting in the Prefect block; did you mean 'clock'?" in problems
    assert "canary" not in problems


def test_wrong_access_data_name_the_variable_that_holds_them_all() -> None:
    problems = problems_of(NAVERPLACE_ACCESS='{"1051707": {"door_code": 73017301}}')

    assert problems[0].startswith("access.1051707.door_code: Input should be a valid string")
    assert problems[0].endswith("set NAVERPLACE_ACCESS=...")
    assert "73017301" not in str(problems)


def test_secrets_are_hidden_even_when_the_settings_are_wrong() -> None:
    problems_of(
        NAVERPLACE_NAVER__PASSWORD="canary-of-a-failed-load",
        NAVERPLACE_ACCESS='{"1051707": {"door_code": "canary-door"}}',
        NAVERPLACE_SENS__ATTEMPTS="many",
    )

    assert REDACTOR.scrub("canary-of-a-failed-load canary-door") == f"{MARK} {MARK}"


def test_the_processes_own_keys_are_hidden_too() -> None:
    load(AWS_SESSION_TOKEN="canary-of-a-session-token", PREFECT_API_KEY="testing")

    assert REDACTOR.scrub("canary-of-a-session-token testing") == f"{MARK} testing"


def test_a_secret_that_is_not_there_is_the_cause_of_the_error(world: Sandbox) -> None:
    env = {**world.environment(secrets_in_manager=True), "NAVERPLACE_AWS__SECRET_ID": "no/such"}

    with pytest.raises(SettingsError) as refused:
        load_settings(env=env, env_file=None)

    assert isinstance(refused.value.__cause__, Permanent)
    assert "secret 'no/such' (not read)" in refused.value.problems[-1]


def test_with_wrong_settings_of_aws_the_secret_is_not_asked_for(world: Sandbox) -> None:
    env = {**world.environment(secrets_in_manager=True), "NAVERPLACE_AWS__ATTEMPTS": "many"}

    with pytest.raises(SettingsError) as refused:
        load_settings(env=env, env_file=None)

    assert "(not read: the settings of aws are wrong)" in refused.value.problems[-1]
    assert not [seen for seen in world.world.requests if seen.service == "aws"]
