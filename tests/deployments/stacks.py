"""The templates as moto's CloudFormation makes them."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from moto.iam.access_control import IAMPolicy, PermissionResult

from tests.aws_calls import ACCOUNT, REGION

FOLDER = Path(__file__).resolve().parents[2] / "deployments" / "aws"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/naverplace@sha256:{'0' * 64}"
PARAMETERS: dict[str, dict[str, str]] = {
    "data": {"MakeTables": "yes"},
    "roles": {"Operators": f"arn:aws:iam::{ACCOUNT}:role/duty"},
    "lambda": {"Image": IMAGE},
    "service": {
        "Image": IMAGE,
        "PrefectApiUrl": "http://prefect.internal:4200/api",
        "Subnets": "subnet-00000000",
        "SecurityGroups": "sg-00000000",
    },
    "alarms": {"Email": "duty@example.com"},
}


def make_stack(name: str, **parameters: str) -> None:
    """Let moto make one of the stacks."""
    given = {**PARAMETERS[name], **parameters}
    client("cloudformation").create_stack(
        StackName=f"naverplace-{name}",
        TemplateBody=(FOLDER / f"{name}.yaml").read_text("utf-8"),
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in given.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )


def resources(name: str) -> dict[str, Any]:
    """Read a template's resources as they are written."""
    return dict(_template(name)["Resources"])


def parameters(name: str) -> dict[str, Any]:
    """Read what a template asks for."""
    return dict(_template(name)["Parameters"])


def _template(name: str) -> dict[str, Any]:
    # A second to import, in each of the testers' processes.
    from cfnlint.decode.cfn_yaml import loads  # type: ignore[import-untyped]

    return dict(loads((FOLDER / f"{name}.yaml").read_text("utf-8")))


def make_alarms(door: str = "lambda") -> str:
    """Make the topic, and by the service's own API the alarms, which moto's stacks leave out."""
    make_stack("alarms", Door=door)
    (topic,) = client("sns").list_topics()["Topics"]
    held = {"lambda": "ByLambda", "service": "ByService"}[door]
    for found in resources("alarms").values():
        wanted = found.get("Condition", held) == held
        if found["Type"] == "AWS::CloudWatch::Alarm" and wanted:
            text = json.dumps(found["Properties"]).replace('{"Ref": "Duty"}', '"TOPIC"')
            client("cloudwatch").put_metric_alarm(
                **json.loads(text.replace("TOPIC", topic["TopicArn"]))
            )
    return str(topic["TopicArn"])


def client(service: str) -> Any:
    """Open a client of moto's account."""
    return boto3.client(service, region_name=REGION)  # type: ignore[call-overload]


@dataclass(frozen=True)
class Role:
    """A role's policy, as it stands in IAM after the stack was made."""

    policy: dict[str, Any]

    @classmethod
    def read(cls, name: str) -> Role:
        """Read the one policy of a role."""
        iam, role = client("iam"), f"naverplace-{name}"
        (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        # moto gives back the text of a Python dict where a stack has made the role.
        return cls(ast.literal_eval(document) if isinstance(document, str) else document)

    def may(self, action: str, resource: str) -> bool:
        """Judge as IAM does, by moto's evaluation; conditions have tests of their own."""
        bare = [{k: v for k, v in s.items() if k != "Condition"} for s in self.policy["Statement"]]
        # moto's pattern is a regular expression but for the star.
        text = json.dumps({**self.policy, "Statement": bare}).replace("?", ".")
        judged = IAMPolicy(text).is_action_permitted(action, resource)
        return judged is PermissionResult.PERMITTED

    def allowed(self) -> set[str]:
        """List every action that is allowed anywhere."""
        found: set[str] = set()
        for statement in self.policy["Statement"]:
            if statement["Effect"] == "Allow":
                named = statement["Action"]
                found |= {named} if isinstance(named, str) else set(named)
        return found
