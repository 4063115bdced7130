"""The Lambda door: the same run as the Prefect flow's, with no Prefect server."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from naverplace.base.errors import NaverPlaceError, Permanent
from naverplace.pipeline.local_runner import run_once
from naverplace.redaction import redactor
from naverplace.redaction.redactor import REDACTOR, describe
from naverplace.settings.loader import load_settings
from naverplace.settings.schema import Settings

log = logging.getLogger(__name__)
_settings: Settings | None = None  # loaded once per cold start; a warm container reuses them
_read_at: datetime | None = None
_TO_END = 60.0  # seconds
SECRETS_ARE_FRESH = timedelta(minutes=5)  # as long as AWS's own caches of secrets keep one


def lambda_handler(event: object, context: object) -> dict[str, Any]:
    """Do one run, and answer `{'statusCode': 200 | 500, 'body': json}`.

    `event` may hold `dry_run` (bool) and `stores` (a list of ids); EventBridge sends neither. One
    that holds anything else there starts nothing.
    The legacy answered success whatever happened (L22); this answers 500 when anything failed.
    """
    redactor.attach()
    run_id = str(getattr(context, "aws_request_id", "") or uuid.uuid4())
    try:
        dry_run, only = _read_event(event)
        report = run_once(
            _load_settings_once(),
            run_id=run_id,
            door="lambda",
            dry_run=dry_run,
            only=only,
            seconds=_seconds_for(context),
        )
    except NaverPlaceError as error:
        log.error("the run could not start: %s", describe(error))
        return _answer(500, {"error": describe(error), "run_id": run_id})
    except Exception as error:  # Lambda's caller gets a 500, never a traceback
        log.exception("the run failed")
        return _answer(500, {"error": describe(error), "run_id": run_id})
    return _answer(200 if report.status == "success" else 500, report.as_json())


def _read_event(event: object) -> tuple[bool, list[str]]:
    """Read what a run shall do. Raises Permanent, which says what would be right.

    A wrong word must not be guessed: "false" is not False, and no store is not all of them.
    """
    if not isinstance(event, Mapping):
        raise Permanent("the event is no JSON object; {} does a run of all stores")
    dry_run, stores = event.get("dry_run", False), event.get("stores")
    if not isinstance(dry_run, bool):
        raise Permanent("the event's dry_run is true or false, without quotes; or leave it out")
    if "stores" not in event:
        return dry_run, []
    listed = isinstance(stores, list) and all(type(s) in (str, int) for s in stores)
    if not stores or not listed:
        raise Permanent(
            'the event\'s stores is a list such as ["1051707"]; leave it out for all stores'
        )
    return dry_run, [str(store_id) for store_id in stores]


def _seconds_for(context: object) -> float:
    """Tell how long new messages may be begun: the last minute is for an end in order."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return remaining() / 1000 - _TO_END if remaining else float("inf")


def _load_settings_once() -> Settings:
    """Give the settings; the values of a secret that are older than five minutes are read anew."""
    global _settings, _read_at
    if _settings is None:
        _settings, _read_at = load_settings(), None
    if not _settings.aws.secret_id:
        return _settings
    now = _settings.make_clock().now()
    if _read_at is not None and now - _read_at > SECRETS_ARE_FRESH:
        try:
            _settings = load_settings()
        except NaverPlaceError as error:  # better an old code than no messages at all
            log.error("the secret could not be read again: %s", describe(error))
            return _settings
        _read_at = now
    _read_at = _read_at or now
    return _settings


def _answer(status: int, body: Mapping[str, Any]) -> dict[str, Any]:
    plain = json.loads(json.dumps(body, default=str))
    clean = REDACTOR.scrub_values(plain)
    return {"statusCode": status, "body": json.dumps(clean, ensure_ascii=False)}
