"""The EventBridge rule that starts the legacy: on or off."""

from __future__ import annotations

from contextlib import AbstractContextManager

import boto3

from naverplace.aws.config import AwsSettings, client_options
from naverplace.aws.errors import translated


class LegacySchedule:
    """One rule by its name; switching it to what it is already changes nothing."""

    def __init__(self, aws: AwsSettings, name: str) -> None:
        self.name = name
        self._client = boto3.client("events", **client_options(aws))

    def enabled(self) -> bool:
        """Tell whether the rule starts the legacy. Raises Transient, Permanent."""
        with self._translated():
            return str(self._client.describe_rule(Name=self.name).get("State")) != "DISABLED"

    def enable(self) -> None:
        """Let it start the legacy. Raises Transient, Permanent."""
        with self._translated():
            self._client.enable_rule(Name=self.name)

    def disable(self) -> None:
        """Let it start the legacy no more. Raises Transient, Permanent."""
        with self._translated():
            self._client.disable_rule(Name=self.name)

    def _translated(self) -> AbstractContextManager[None]:
        return translated(
            f"EventBridge, rule {self.name!r}",
            "check NAVERPLACE_CUTOVER__LEGACY_RULE and the right to events:DescribeRule, "
            "EnableRule, DisableRule",
        )
