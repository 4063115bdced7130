"""The base job templates of the pools, as Prefect's own workers understand them."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from prefect.workers.process import ProcessJobConfiguration, ProcessWorker
from prefect_aws.workers.ecs_worker import ECSJobConfiguration, ECSWorker

from naverplace.settings.loader import load_settings

FOLDER = Path(__file__).resolve().parents[2] / "deployments" / "pools"
pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_client_settings")]
KINDS: dict[str, tuple[Any, Any]] = {
    "process": (ProcessWorker, ProcessJobConfiguration),
    "ecs": (ECSWorker, ECSJobConfiguration),
}


def template(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return read


def made_from(name: str, **values: Any) -> Any:
    """Let the worker's class make a job of the template, as it does for a run."""
    kind = KINDS[name][1]
    return asyncio.run(kind.from_template_and_values(template(name), values))


@pytest.mark.parametrize("name", KINDS)
def test_a_template_is_the_workers_own_but_for_words_and_defaults(name: str) -> None:
    ours, theirs = template(name), KINDS[name][0].get_default_base_job_template()
    for fixed in {"process": ("command", "working_dir"), "ecs": ("command",)}[name]:
        del theirs["job_configuration"][fixed]  # no run brings a command of its own
        del theirs["variables"]["properties"][fixed]

    assert ours["job_configuration"] == theirs["job_configuration"]
    for variable, wanted in theirs["variables"]["properties"].items():
        changed = {"default": None, "description": None}
        assert {**ours["variables"]["properties"][variable], **changed} == {**wanted, **changed}
    assert set(ours["variables"]["properties"]) == set(theirs["variables"]["properties"])


@pytest.mark.parametrize("name", KINDS)
def test_every_variable_is_described(name: str) -> None:
    for variable, schema in template(name)["variables"]["properties"].items():
        assert schema.get("description"), variable


def test_a_run_of_the_process_pool_never_starts_a_server_of_its_own() -> None:
    job = made_from("process")

    assert job.env["PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"] == "false"
    assert job.stream_output


def test_a_run_of_the_ecs_pool_is_a_task_with_the_senders_role_and_the_images_entry(
    world_env: dict[str, str],
) -> None:
    job = made_from("ecs", command="python -m prefect.engine")

    request = job.task_run_request
    assert (request["cluster"], request["launchType"]) == ("naverplace", "FARGATE")
    assert request["overrides"]["taskRoleArn"].endswith(":role/naverplace-sender")
    assert job.task_definition["executionRoleArn"].endswith(":role/naverplace-execution")
    assert job.task_definition["containerDefinitions"][0]["name"] == "naverplace"
    assert job.configure_cloudwatch_logs
    ours = {n: v for n, v in job.env.items() if n.startswith("NAVERPLACE_")}
    home, secret = ours.pop("NAVERPLACE_HOME"), ours.pop("NAVERPLACE_AWS__SECRET_ID")
    assert (home, secret) == ("/app", "naverplace")
    assert load_settings(env={**world_env, **ours}, env_file=None).document.metrics_line


def test_another_role_can_be_given_to_one_deployment() -> None:
    job = made_from("ecs", task_role_arn="arn:aws:iam::000000000000:role/naverplace-retention")

    assert job.task_run_request["overrides"]["taskRoleArn"].endswith("naverplace-retention")


@pytest.mark.parametrize("name", KINDS)
def test_no_template_names_a_real_account(name: str) -> None:
    text = (FOLDER / f"{name}.json").read_text("utf-8")

    assert set(re.findall(r"(?<!\d)\d{12}(?!\d)", text)) <= {"000000000000"}
