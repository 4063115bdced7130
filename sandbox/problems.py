"""How each service words an error, for faults that a test asks for."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

Answer = tuple[str, list[tuple[str, str]], bytes]

# The API gateway's own codes by HTTP status (outside-services: SENS errors).
GATEWAY = {
    400: ("100", "Bad Request"),
    401: ("200", "Authentication Failed"),
    403: ("210", "Permission Denied"),
    404: ("300", "Not Found"),
    413: ("430", "Request Entity Too Large"),
    429: ("410", "Throttle Limited"),
    500: ("900", "Unexpected Error"),
    503: ("500", "Endpoint Error"),
    504: ("510", "Endpoint Timeout"),
}
AWS = {
    400: "ProvisionedThroughputExceededException",
    403: "AccessDeniedException",
    500: "InternalServerError",
    503: "ServiceUnavailable",
}
SLACK = {403: "action_prohibited", 404: "no_service", 410: "channel_is_archived"}
HTML_STUB = (
    "<!DOCTYPE html><html lang='ko'><head><meta charset='utf-8'><title>서비스 점검</title></head>"
    "<body><h1>서비스 점검 중입니다</h1><p>이용에 불편을 드려 죄송합니다.</p></body></html>"
)


def problem(service: str, status: int, value: Any = None) -> Answer:
    """Word the error `status` as `service` does; `value` see `Fault`."""
    headers = []
    wait = 1 if value is None else value
    if status == 429 and service != "sens":
        headers.append(("Retry-After", str(wait)))
    if service == "slack":
        text = SLACK.get(status, "rate_limited" if status == 429 else "rollup_error")
        return _answer(status, text.encode(), "text/plain; charset=utf-8", headers)
    body = json.dumps(_body(service, status, value, wait), ensure_ascii=False).encode()
    kind = "application/x-amz-json-1.0" if service == "aws" else "application/json"
    return _answer(status, body, kind, headers)


def gateway_error(status: int, *, code: str = "", details: str = "") -> dict[str, Any]:
    """Word an error as Naver Cloud's API gateway does."""
    known, message = GATEWAY.get(status, ("900", "Unexpected Error"))
    return {"error": {"errorCode": code or known, "message": message, "details": details}}


def _body(service: str, status: int, value: Any, wait: Any) -> dict[str, Any]:
    if service == "sens":
        code, _, details = str(value or "").partition(" ")
        return gateway_error(status, code=code, details=details or "asked for by a fault")
    if service == "telegram":
        if status == 429:
            return {
                "ok": False,
                "error_code": 429,
                "description": f"Too Many Requests: retry after {wait}",
                "parameters": {"retry_after": wait},
            }
        return {"ok": False, "error_code": status, "description": HTTPStatus(status).phrase}
    if service == "aws":
        name = str(value or AWS.get(status, "InternalServerError"))
        return {"__type": f"com.amazonaws.dynamodb.v20120810#{name}", "message": "by a fault"}
    return {"status": status, "message": HTTPStatus(status).phrase}


def _answer(status: int, body: bytes, kind: str, headers: list[tuple[str, str]]) -> Answer:
    line = f"{status} {HTTPStatus(status).phrase}"
    return line, [("Content-Type", kind), ("Content-Length", str(len(body))), *headers], body
