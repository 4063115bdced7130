"""The templates of CloudFormation: what a linter says, and what moto makes of them."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from naverplace.aws.config import AwsSettings
from naverplace.ledger.schema import check_tables
from naverplace.reporting.cloudwatch_emf import NAMESPACE, UNITS
from naverplace.settings.loader import load_settings
from naverplace.settings.sections import ThresholdSettings
from tests.aws_calls import REGION
from tests.deployments.stacks import (
    FOLDER,
    IMAGE,
    PARAMETERS,
    client,
    make_alarms,
    make_stack,
    resources,
)

LIMITS = {
    "naverplace-total-seconds": ("TotalSeconds", "total_seconds"),
    "naverplace-booking-api-seconds": ("BookingApiSeconds", "booking_api_seconds"),
    "naverplace-dynamodb-seconds": ("DynamoDbSeconds", "dynamodb_seconds"),
    "naverplace-sms-seconds": ("SmsSeconds", "sms_seconds"),
    "naverplace-notification-seconds": ("NotificationSeconds", "notification_seconds"),
    "naverplace-memory": ("MemoryMegabytes", "memory_mb"),
}


@pytest.fixture
def account() -> Iterator[None]:
    """moto's account, empty."""
    with mock_aws():
        yield


def alarms() -> dict[str, dict[str, Any]]:
    found = client("cloudwatch").describe_alarms()["MetricAlarms"]
    return {alarm["AlarmName"]: alarm for alarm in found}


def test_the_linter_finds_nothing() -> None:
    files = [str(path) for path in sorted(FOLDER.glob("*.yaml"))]
    assert len(files) == 5
    command = [str(Path(sys.executable).parent / "cfn-lint"), "-r", REGION, "--", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_moto_makes_everything_but_these(account: None) -> None:
    left_out: set[str] = set()
    for stack in PARAMETERS:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            make_stack(stack)
        left_out |= {w for one in caught for w in str(one.message).split() if w.startswith("AWS::")}

    assert left_out == {
        "AWS::CloudWatch::Alarm",  # these are put by the service's own API below
        "AWS::Lambda::EventInvokeConfig",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::Subscription",
        "AWS::SecretsManager::Secret",
    }


def test_the_tables_are_the_legacys_and_cannot_be_deleted_by_a_slip(account: None) -> None:
    make_stack("data")

    assert check_tables(AwsSettings(region=REGION)) == []
    for name in ("sms", "session"):
        table = client("dynamodb").describe_table(TableName=name)["Table"]
        assert table["DeletionProtectionEnabled"]
        assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


def test_beside_a_legacy_no_table_is_made(account: None) -> None:
    make_stack("data", MakeTables="no")

    assert client("dynamodb").list_tables()["TableNames"] == []


def test_logs_end_after_thirty_days_and_captured_runs_after_a_month(account: None) -> None:
    make_stack("data")

    groups = client("logs").describe_log_groups()["logGroups"]
    assert {group["logGroupName"]: group["retentionInDays"] for group in groups} == {
        "/aws/lambda/naverplace": 30,
        "/ecs/naverplace": 30,
    }
    # moto's CloudFormation leaves these properties out: they are read from the template.
    bucket = resources("data")["Bundles"]["Properties"]
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", 31)
    assert all(bucket["PublicAccessBlockConfiguration"].values())


def test_the_secret_is_made_without_a_value(account: None) -> None:
    secret = resources("data")["Secret"]["Properties"]

    assert set(secret) == {"Name", "Description"}
    assert secret["Name"] == _variables("lambda")["NAVERPLACE_AWS__SECRET_ID"]


def test_the_function_starts_nothing_before_a_person_says_so(account: None) -> None:
    make_stack("roles")
    make_stack("lambda")

    rule = client("events").describe_rule(Name="naverplace-every-20-minutes")
    assert (rule["State"], rule["ScheduleExpression"]) == ("DISABLED", "cron(0/20 * * * ? *)")
    made = client("lambda").get_function_configuration(FunctionName="naverplace")
    variables = made["Environment"]["Variables"]
    assert variables["NAVERPLACE_CUTOVER__DEFAULT_OWNER"] == "legacy"
    assert made["Role"].endswith(":role/naverplace-sender")
    assert made["Timeout"] < 20 * 60
    kept = client("lambda").get_function_concurrency(FunctionName="naverplace")
    assert kept["ReservedConcurrentExecutions"] == 1


@pytest.mark.parametrize("stack", ["lambda", "service"])
def test_the_variables_it_gives_are_settings_and_no_secret(
    stack: str, world_env: dict[str, str], account: None
) -> None:
    variables = _variables(stack)
    ours = {name: v for name, v in variables.items() if name.startswith("NAVERPLACE_")}
    del ours["NAVERPLACE_AWS__SECRET_ID"]  # there is none to read here

    settings = load_settings(env={**world_env, **ours}, env_file=None)

    assert settings.document.metrics_line
    assert settings.cutover.default_owner == "legacy"
    secret = ("PASSWORD", "KEY", "TOKEN", "ACCESS", "WEBHOOK")
    assert not [name for name in variables if any(word in name for word in secret)]


def _variables(stack: str) -> dict[str, str]:
    make_stack("roles")
    make_stack(stack)
    if stack == "lambda":
        made = client("lambda").get_function_configuration(FunctionName="naverplace")
        return dict(made["Environment"]["Variables"])
    container = _container()
    return {pair["name"]: pair["value"] for pair in container["environment"]}


def _container() -> dict[str, Any]:
    (arn,) = client("ecs").list_task_definitions()["taskDefinitionArns"]
    task = client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]
    (container,) = task["containerDefinitions"]
    return dict(container)


def test_the_worker_is_the_image_with_the_entry_that_it_has(account: None) -> None:
    make_stack("roles")
    make_stack("service")

    container = _container()
    assert (container["image"], container["command"][0]) == (IMAGE, "worker")
    command = container["healthCheck"]["command"]
    assert command == ["CMD", "/app/deployments/image/entry", "healthy"]
    assert (FOLDER.parent / "image" / "entry").is_file()


def test_the_service_writes_only_to_tmp() -> None:
    task = resources("service")["Task"]["Properties"]
    (container,) = task["ContainerDefinitions"]

    assert container["ReadonlyRootFilesystem"] is True
    assert container["MountPoints"] == [{"SourceVolume": "tmp", "ContainerPath": "/tmp"}]
    assert task["Volumes"] == [{"Name": "tmp"}]


def test_no_image_of_a_pool_floats() -> None:
    for pool in (FOLDER.parent / "pools").glob("*.json"):
        image = json.loads(pool.read_text("utf-8"))["variables"]["properties"].get("image")
        assert image is None or "@sha256:" in image["default"]


def test_every_threshold_of_the_settings_is_an_alarm(account: None) -> None:
    make_alarms()

    limits = ThresholdSettings()
    found = alarms()
    for name, (metric, setting) in LIMITS.items():
        alarm = found[name]
        assert (alarm["Namespace"], alarm["MetricName"]) == (NAMESPACE, metric)
        assert alarm["Threshold"] == getattr(limits, setting)
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    not_alarms = {"memory_share"}  # needs no alarm: too much memory costs a little money
    assert {setting for _, setting in LIMITS.values()} == set(ThresholdSettings.model_fields) - (
        not_alarms
    )


def test_every_alarm_looks_at_a_figure_that_runs_print_and_reaches_a_person(account: None) -> None:
    topic = make_alarms()

    for alarm in alarms().values():
        assert alarm["AlarmActions"] == [topic]
        if alarm["Namespace"] == NAMESPACE:
            assert alarm["MetricName"] in UNITS
    by_mail = resources("alarms")["ByMail"]["Properties"]
    assert (by_mail["Protocol"], by_mail["Endpoint"]) == ("email", {"Ref": "Email"})


def test_silence_of_45_minutes_is_an_alarm(account: None) -> None:
    make_alarms()

    alarm = alarms()["naverplace-no-success"]
    assert alarm["Period"] * alarm["EvaluationPeriods"] == 45 * 60
    assert alarm["TreatMissingData"] == "breaching"


@pytest.mark.parametrize(
    ("door", "there", "missing"),
    [
        ("lambda", "naverplace-lambda-errors", "naverplace-no-worker"),
        ("service", "naverplace-no-worker", "naverplace-lambda-errors"),
    ],
)
def test_each_door_has_the_alarm_for_its_own_death(
    door: str, there: str, missing: str, account: None
) -> None:
    make_alarms(door)

    assert there in alarms()
    assert missing not in alarms()
