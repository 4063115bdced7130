"""The Lambda door: the same run as the Prefect flow's, with no Prefect server."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Mapping
from typing import Any

from naverplace.base.errors import NaverPlaceError
from naverplace.pipeline.local_runner import run_once
from naverplace.redaction import redactor
from naverplace.redaction.redactor import describe
from naverplace.settings.loader import load_settings
from naverplace.settings.schema import Settings

log = logging.getLogger(__name__)
_settings: Settings | None = None  # loaded once per cold start; a warm container reuses them


def lambda_handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Do one run, and answer `{'statusCode': 200 | 500, 'body': json}`.

    `event` may hold `dry_run` (bool) and `stores` (a list of ids); EventBridge sends neither.
    The legacy answered success whatever happened (L22); this answers 500 when anything failed.
    """
    redactor.attach()
    run_id = str(getattr(context, "aws_request_id", "") or uuid.uuid4())
    try:
        report = run_once(
            _load_settings_once(),
            run_id=run_id,
            door="lambda",
            dry_run=bool(event.get("dry_run", False)),
            only=[str(store_id) for store_id in event.get("stores", ())],
        )
    except NaverPlaceError as error:
        log.error("the run could not start: %s", describe(error))
        return _answer(500, {"error": describe(error), "run_id": run_id})
    except Exception as error:  # Lambda's caller gets a 500, never a traceback
        log.exception("the run failed")
        return _answer(500, {"error": describe(error), "run_id": run_id})
    return _answer(200 if report.status == "success" else 500, report.as_json())


def _load_settings_once() -> Settings:
    global _settings
    if _settings is None:
        _settings = load_settings()
    return _settings


def _answer(status: int, body: Mapping[str, Any]) -> dict[str, Any]:
    return {"statusCode": status, "body": json.dumps(body, ensure_ascii=False, default=str)}
