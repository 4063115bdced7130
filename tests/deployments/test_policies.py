"""Every role, against the calls that its work really makes: all of them and no more."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from collections.abc import Set as AbstractSet
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from naverplace.cli.app import app
from naverplace.domain.due_messages import DUE
from naverplace.jobs.retention.job import retain
from naverplace.jobs.watchdog.job import Watchdog
from naverplace.ledger import run_memory
from naverplace.ledger.store_state import PREFIX
from naverplace.migration.cutover.cutover import LOG_ITEM
from naverplace.migration.shadow import Shadow, keep_inputs
from naverplace.naver.session_store import COOKIES_ID
from naverplace.pipeline.capture.bundle_store import open_bundles
from naverplace.pipeline.local_runner import run_once
from sandbox.control_bookings import change_bookings
from sandbox.server import Sandbox
from tests.aws_calls import ACCOUNT, REGION, SECRET, TABLE, Call, recorded
from tests.deployments.stacks import Role, make_stack, parameters, resources
from tests.jobs.retention.test_removing import complete_everything
from tests.reconciliation_builders import DAY, Shop
from tests.rule_builders import STORE

ROOT = Path(__file__).resolve().parents[2]
BUCKET = f"{ACCOUNT}-naverplace-bundles"
RULE = "naverplace_send_inform"
OUR_RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{RULE}"
OUR_SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{SECRET}-AbCdEf"
ANOTHER_SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{SECRET}-prefect-AbCdEf"
LOGS = {"logs:FilterLogEvents", "logs:GetLogEvents"}


@pytest.fixture(scope="module")
def roles() -> Callable[[str], Role]:
    """The roles of the stack."""
    with mock_aws():
        make_stack("roles")
        found = {
            name: Role.read(name)
            for name in ("sender", "shadow", "reader", "retention", "switch", "starter")
        }
    return found.__getitem__


@pytest.fixture
def shop(
    world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    """A shop whose secrets, captured runs and legacy's rule are in AWS, as in earnest."""
    monkeypatch.chdir(ROOT)
    env = {
        **world_env,
        "NAVERPLACE_CAPTURE__WHERE": f"s3://{BUCKET}/runs",
        "NAVERPLACE_CAPTURE__KEY": "k" * 32,
        "NAVERPLACE_CAPTURE__ENABLED": "true",
        "NAVERPLACE_CAPTURE__KEEP_DAYS": "1",
        "NAVERPLACE_CUTOVER__LEGACY_RULE": RULE,
        "NAVERPLACE_AWS__SECRET_ID": SECRET,
    }
    shop = Shop(world, env)
    aws: dict[str, Any] = {
        "endpoint_url": env["NAVERPLACE_AWS__ENDPOINT_URL"],
        "region_name": REGION,
    }
    bucket = boto3.resource("s3", **aws).Bucket(BUCKET)
    bucket.create(CreateBucketConfiguration={"LocationConstraint": REGION})
    boto3.client("events", **aws).put_rule(Name=RULE, ScheduleExpression="rate(20 minutes)")
    boto3.client("secretsmanager", **aws).create_secret(
        Name=SECRET, SecretString=json.dumps({"capture": {"key": "k" * 32}})
    )
    world.log_in()
    yield shop
    bucket.objects.delete()
    bucket.delete()  # a bucket's name is one in all of moto's accounts


def typed(shop: Shop, *words: str) -> None:
    """Type a command; the environment is the shop's."""
    done = CliRunner().invoke(app, list(words), env={**shop.env, **shop.world.environment()})
    assert done.exit_code == 0, done.output


def test_the_sender_may_do_what_runs_watchdog_and_reconciliation_do_and_no_more(
    shop: Shop, roles: Callable[[str], Role]
) -> None:
    with recorded() as calls:
        shop.run()
        shop.world.world.advance(2 * DAY)
        shop.world.log_in()
        run_once(shop.settings, run_id="later", door="cli")  # it fails by what has expired
        shop.reconcile()
        dog = Watchdog(shop.settings)
        dog.alert_or_ping(dog.look())
        typed(shop, "doctor")
        list(open_bundles(shop.settings).read_all(now=shop.settings.make_clock().now()))

    holds(roles("sender"), calls, besides={"logs:CreateLogStream", "logs:PutLogEvents"})


def test_the_shadow_may_read_and_keep_what_it_read_and_no_more(
    shop: Shop, roles: Callable[[str], Role]
) -> None:
    del shop.env["NAVERPLACE_AWS__SECRET_ID"]
    shop.run()
    shop.world.world.advance(2 * DAY)
    shop.world.log_in()
    with recorded() as calls:
        keep_inputs(shop.settings, Shadow(shop.settings).read("shadow"))
        list(open_bundles(shop.settings).read_all(now=shop.settings.make_clock().now()))
        typed(shop, "doctor")

    refused = {call for call in calls if not roles("shadow").may(*call)}
    assert refused == set()
    assert {action for action, _ in calls} <= roles("shadow").allowed()
    written = json.loads((ROOT / "deployments/iam/shadow.json").read_text("utf-8"))
    assert roles("shadow").policy == written  # one policy, in two places


def test_the_reader_may_look_at_the_ledger_and_who_sends_and_no_more(
    shop: Shop, roles: Callable[[str], Role]
) -> None:
    del shop.env["NAVERPLACE_AWS__SECRET_ID"]
    start = shop.settings.make_clock().now() + timedelta(hours=2, minutes=10)
    order = {"action": "add", "store": STORE, "start": start.isoformat()}
    change_bookings(shop.world.world, order)
    shop.run()
    shop.world.world.advance(1800)  # its guide is due, and its record is looked up
    with recorded() as calls:
        typed(shop, "owners", "--no-look-at-legacy")  # a look needs the owner's login
        typed(shop, "stores")
        Watchdog(shop.settings).look()

    holds(roles("reader"), calls, besides=LOGS | {"logs:DescribeLogStreams"})


def test_the_reader_is_kept_from_the_owners_login_by_its_key(
    roles: Callable[[str], Role],
) -> None:
    (keys,) = (
        statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        for statement in roles("reader").policy["Statement"]
        if "Condition" in statement
    )

    ours = (PREFIX, LOG_ITEM, run_memory.ITEM, run_memory.LAST_READ, DUE)
    assert keys == ["naverplace-*"]
    assert all(fnmatchcase(key, keys[0]) for key in ours)
    assert not fnmatchcase(COOKIES_ID, keys[0])
    assert not roles("reader").may("dynamodb:Scan", TABLE + "session")  # a scan knows no keys


def test_retention_may_forget_and_no_more(shop: Shop, roles: Callable[[str], Role]) -> None:
    shop.run()
    opened = {"999_1|010-0000-0042|guide": shop.settings.make_clock().now().isoformat()}
    left = {"id": f"{PREFIX}999", "version": 3, "epoch": 2, "open": opened}
    shop.world.put_session_item(left)
    shop.later(500 * DAY)
    shop.world.log_in()
    complete_everything(shop.world)
    with recorded() as calls:
        retain(shop.settings, dry_run=False)

    assert ("dynamodb:DeleteItem", TABLE + "sms") in calls
    assert ("dynamodb:PutItem", TABLE + "session") in calls
    holds(roles("retention"), calls)


def test_whoever_switches_may_do_that_and_no_more(shop: Shop, roles: Callable[[str], Role]) -> None:
    shop.env["NAVERPLACE_CUTOVER__DEFAULT_OWNER"] = "legacy"
    stores = sorted(shop.world.world.stores)
    with recorded() as calls:
        typed(shop, "cutover", *stores, "--without-go", "a test")
    shop.run()
    with recorded() as later:
        typed(shop, "rollback", *stores)
        typed(shop, "doctor")
    calls |= later

    assert ("dynamodb:DeleteItem", TABLE + "sms") in calls
    assert {action for action, _ in calls} >= {"events:DisableRule", "events:EnableRule"}
    # What a crash left in doubt is read as the sender reads it; here nothing is.
    holds(roles("switch"), calls, besides={"dynamodb:BatchGetItem", "dynamodb:Query"})


@pytest.mark.parametrize(
    ("role", "forbidden"),
    [
        ("sender", ["dynamodb:DeleteItem", "dynamodb:DeleteTable", "dynamodb:BatchWriteItem"]),
        (
            "sender",
            ["events:DisableRule", "lambda:InvokeFunction", "iam:PassRole", "sts:AssumeRole"],
        ),
        ("shadow", ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]),
        ("shadow", ["secretsmanager:GetSecretValue", "events:EnableRule", "lambda:InvokeFunction"]),
        ("reader", ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]),
        ("reader", ["secretsmanager:GetSecretValue", "s3:GetObject", "events:DisableRule"]),
        ("retention", ["dynamodb:UpdateItem", "dynamodb:DeleteTable", "events:DisableRule"]),
        ("switch", ["dynamodb:DeleteTable", "lambda:InvokeFunction", "iam:PassRole"]),
        ("starter", ["dynamodb:GetItem", "secretsmanager:GetSecretValue", "iam:CreateRole"]),
    ],
)
def test_what_a_role_must_not_do_is_denied(
    role: str, forbidden: list[str], roles: Callable[[str], Role]
) -> None:
    everywhere = [
        TABLE + "sms",
        TABLE + "session",
        f"arn:aws:s3:::{BUCKET}/x",
        OUR_SECRET,
        OUR_RULE,
    ]
    for action in forbidden:
        for resource in everywhere:
            assert not roles(role).may(action, resource), (action, resource)


def test_no_service_of_another_account_and_no_whole_account_becomes_a_role() -> None:
    kinds = [r for r in resources("roles").values() if r["Type"] == "AWS::IAM::Role"]
    trusted = [
        statement
        for role in kinds
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    ]
    wanted = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}

    assert len(trusted) == 8
    for statement in trusted:
        if "Service" in statement["Principal"]:
            assert statement["Condition"] == wanted
        else:
            assert statement["Principal"] == {"AWS": {"Ref": "Operators"}}
    operators = parameters("roles")["Operators"]
    pattern = re.compile(operators["AllowedPattern"])
    assert "Default" not in operators
    assert pattern.fullmatch("arn:aws:iam::123456789012:role/duty")
    assert not pattern.fullmatch("arn:aws:iam::123456789012:root")
    assert not pattern.fullmatch("")


def test_the_shadow_writes_to_no_bucket_of_another_account(roles: Callable[[str], Role]) -> None:
    (bucket,) = [s for s in roles("shadow").policy["Statement"] if "s3:PutObject" in s["Action"]]

    assert bucket["Condition"] == {
        "StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}
    }


def test_retention_deletes_bookings_but_never_claims_a_message(
    roles: Callable[[str], Role],
) -> None:
    assert roles("retention").may("dynamodb:DeleteItem", TABLE + "sms")
    assert not roles("retention").may("dynamodb:PutItem", TABLE + "sms")


@pytest.mark.parametrize("role", ["sender", "retention", "switch"])
def test_no_role_reaches_what_is_not_ours(role: str, roles: Callable[[str], Role]) -> None:
    for action in sorted(roles(role).allowed()):
        for resource in (TABLE + "customers", "arn:aws:s3:::another-bucket/x", ANOTHER_SECRET):
            assert not roles(role).may(action, resource), (action, resource)


def holds(role: Role, calls: Collection[Call], *, besides: AbstractSet[str] = frozenset()) -> None:
    """Assert that every call is allowed, and that nothing is allowed that is never called."""
    refused = sorted(call for call in calls if not role.may(*call))
    assert refused == []
    assert role.allowed() - {action for action, _ in calls} - besides == set()
    assert besides <= role.allowed()
    pairs = {(action, resource) for action, resource in calls if resource.startswith(TABLE)}
    offered = {
        (action, TABLE + table)
        for action in role.allowed()
        for table in ("sms", "session")
        if action.startswith("dynamodb:") and role.may(action, TABLE + table)
    }
    assert {pair for pair in offered - pairs if pair[0] not in besides} == set()
