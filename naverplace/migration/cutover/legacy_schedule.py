"""The EventBridge rule that starts the legacy: on or off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from naverplace.aws.config import AwsSettings, client_options
from naverplace.base.errors import Permanent, ServiceUnavailable


class LegacySchedule:
    """One rule by its name; switching it to what it is already changes nothing."""

    def __init__(self, aws: AwsSettings, name: str) -> None:
        self.name = name
        self._client = boto3.client("events", **client_options(aws))

    def enabled(self) -> bool:
        """Tell whether the rule starts the legacy. Raises Transient, Permanent."""
        with self._in_our_words():
            return str(self._client.describe_rule(Name=self.name).get("State")) != "DISABLED"

    def enable(self) -> None:
        """Let it start the legacy. Raises Transient, Permanent."""
        with self._in_our_words():
            self._client.enable_rule(Name=self.name)

    def disable(self) -> None:
        """Let it start the legacy no more. Raises Transient, Permanent."""
        with self._in_our_words():
            self._client.disable_rule(Name=self.name)

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        where = f"EventBridge, rule {self.name!r}"
        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if status == 429 or status >= 500 or "Throttl" in code:
                raise ServiceUnavailable(f"{where}: answered {status} ({code})") from error
            raise Permanent(
                f"{where}: refused with {code} ({status}); check NAVERPLACE_CUTOVER__LEGACY_RULE "
                "and the right to events:DescribeRule, EnableRule, DisableRule"
            ) from error
        except BotoCoreError as error:
            raise ServiceUnavailable(f"{where}: not reached ({type(error).__name__})") from error
