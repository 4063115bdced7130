"""The line that CloudWatch makes metrics of."""

from __future__ import annotations

import json

import pytest

from naverplace.pipeline.local_runner import run_once
from naverplace.reporting.cloudwatch_emf import NAMESPACE, UNITS, metrics_line
from naverplace.settings.loader import load_settings
from sandbox.faults import Fault
from sandbox.server import Sandbox


def test_a_run_prints_its_figures_as_one_line_of_embedded_metrics(
    world: Sandbox, world_env: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    world.log_in()
    env = {**world_env, "NAVERPLACE_DOCUMENT__METRICS_LINE": "true"}

    report = run_once(load_settings(env=env, env_file=None), run_id="run-1", door="lambda")

    (line,) = [text for text in capsys.readouterr().out.splitlines() if "_aws" in text]
    assert line == metrics_line(report)
    said = json.loads(line)
    (described,) = said["_aws"]["CloudWatchMetrics"]
    assert described["Namespace"] == NAMESPACE
    assert {m["Name"]: m["Unit"] for m in described["Metrics"]} == UNITS
    assert all(isinstance(said[name], int | float) for name in UNITS)
    assert said["Messages"] == len(world.messages()) > 0
    assert (said["Successes"], said["Problems"]) == (1, 0)
    assert said["TotalSeconds"] == pytest.approx(report.seconds, abs=0.001)


def test_a_run_that_failed_is_no_success(world: Sandbox, world_env: dict[str, str]) -> None:
    world.log_in()
    world.world.faults.append(Fault("partner", kind="status:500", times=None))

    report = run_once(load_settings(env=world_env, env_file=None), run_id="r", door="cli")

    said = json.loads(metrics_line(report))
    assert said["Successes"] == 0
    assert said["Problems"] == len(report.problems) > 0


def test_a_dry_run_is_no_success_either(world: Sandbox, world_env: dict[str, str]) -> None:
    world.log_in()
    settings = load_settings(env=world_env, env_file=None)

    report = run_once(settings, run_id="r", door="cli", dry_run=True)

    assert report.status == "success"
    assert json.loads(metrics_line(report))["Successes"] == 0


def test_what_nobody_measured_is_left_out(world: Sandbox, world_env: dict[str, str]) -> None:
    world.log_in()
    settings = load_settings(env=world_env, env_file=None)
    report = run_once(settings, run_id="r", door="cli", dry_run=True)

    said = json.loads(metrics_line(report))

    named = {m["Name"] for m in said["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert named <= set(said)
    assert ("SmsSeconds" in named) == ("sms" in report.calls)
