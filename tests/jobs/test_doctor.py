"""The doctor looks at everything, sends nothing, and says what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from naverplace.jobs.doctor import CheckResult, _open_to_others, _proxies, run_checks
from naverplace.pipeline.context import RunContext
from naverplace.settings.schema import Settings
from sandbox.faults import Fault
from sandbox.server import Sandbox

EXPECTED = [
    "settings",
    "rules, templates, stores",
    "clock",
    "access codes",
    "folders",
    "proxies",
    "DynamoDB",
    "pauses",
    "browser",
    "Naver session",
    "SENS",
    "Telegram",
    "Slack",
]


def examined(settings: Settings) -> dict[str, CheckResult]:
    return {f.what: f for f in run_checks(settings, progress=lambda line: None)}


def test_a_healthy_world_is_found_healthy_and_nothing_is_sent(
    world: Sandbox, settings: Settings
) -> None:
    before = world.sms_items(), world.session_items()

    findings = examined(settings)

    assert list(findings) == EXPECTED
    assert [f for f in findings.values() if not f.ok] == []
    assert "SIMULATED" in findings["clock"].found
    assert world.messages() == world.world.telegram == world.world.slack == []
    assert (world.sms_items(), world.session_items()) == before
    assert world.world.login_attempts == 0


def forget_session(world: Sandbox) -> None:
    world.forget_session()


def fault(*args: Any, **kwargs: Any) -> Callable[[Sandbox], None]:
    return lambda world: world.world.faults.append(Fault(*args, **{"times": None, **kwargs}))


@pytest.mark.parametrize(
    ("what", "harm", "advice"),
    [
        ("Naver session", forget_session, "naverplace login"),
        ("SENS", fault("sens", kind="status:401"), ""),
        ("Telegram", fault("telegram", kind="status:401"), ""),
        ("DynamoDB", fault("aws", match="DescribeTable", kind="status:403"), ""),
    ],
)
def test_each_fault_is_found_by_its_own_check_alone(
    world: Sandbox,
    settings: Settings,
    what: str,
    harm: Callable[[Sandbox], None],
    advice: str,
) -> None:
    harm(world)

    findings = examined(settings)

    assert [f.what for f in findings.values() if not f.ok] == [what]
    assert advice in findings[what].advice


def test_a_missing_browser_is_found(settings: Settings) -> None:
    naver = settings.naver.model_copy(update={"chromium_path": "/nowhere/chromium"})

    findings = examined(settings.model_copy(update={"naver": naver}))

    assert not findings["browser"].ok
    assert "apt-get install chromium" in findings["browser"].advice


def test_no_secret_is_shown(world: Sandbox, settings: Settings) -> None:
    for service in ("sens", "telegram"):
        world.world.faults.append(Fault(service, kind="drop_before", times=None))

    shown = str(list(examined(settings).values()))

    assert settings.telegram.bot_token.get_secret_value() not in shown
    assert settings.sens.secret_key.get_secret_value() not in shown


def test_a_settings_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("")
    for mode, ok in ((0o644, False), (0o640, False), (0o620, False), (0o600, True), (0o400, True)):
        file.chmod(mode)
        assert (_open_to_others(file) == "") is ok, oct(mode)


def test_the_doctor_names_the_proxy_that_every_service_is_asked_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    assert "directly" in _proxies(cast("RunContext", None))
    monkeypatch.setenv("HTTPS_PROXY", "http://somebody:secret@proxy.example:3128")

    told = _proxies(cast("RunContext", None))

    assert "https by proxy.example" in told
    assert "secret" not in told
