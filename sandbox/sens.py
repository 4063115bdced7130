"""SENS: send, look-ups and opt-outs (outside-services: SENS send, SENS list)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from sandbox.problems import gateway_error
from sandbox.sens_delivery import destiny, for_the_result, get_message
from sandbox.sens_lookup import look_up
from sandbox.sens_opt_outs import list_opt_outs, register_time
from sandbox.sens_rules import Refusal, fitted, read_send, unencodable
from sandbox.state import Raw, World

SKEW_MS = 5 * 60 * 1000  # this far from the gateway's clock is too far
BASE = "/sms/v2/services/<service_id>"


def create_sens_app(world: World) -> Flask:
    """Create the gateway and the service behind it."""
    app = Flask("sandbox.sens")
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]

    @app.before_request
    def gateway() -> Response | None:
        problem = _not_authentic(world)
        if problem:
            return _gateway(401, problem)
        service_id = (request.view_args or {}).get("service_id")
        if service_id != world.sens.service_id:
            return _gateway(404, "no such service or resource")
        return None

    @app.post(f"{BASE}/messages")
    def send(service_id: str) -> Response:
        with world.lock:
            accepted = _accept(world, read_send(request, world.sens))
        return _answer(accepted, 202)

    @app.get(f"{BASE}/messages")
    def look(service_id: str) -> Response:
        with world.lock:
            found = look_up(world, request.args)
        if world.sens.empty_list_is_404 and not found["messages"]:
            return Response(b"", 404)
        return _answer(found)

    @app.get(f"{BASE}/messages/<message_id>")
    def result(service_id: str, message_id: str) -> Response:
        with world.lock:
            message = get_message(world, message_id)
            if message is None:
                raise Refusal("Not Found", f"no message {message_id}", status=404)
            return _answer(for_the_result(world, message))

    @app.get(f"{BASE}/unsubscribes")
    def opted_out(service_id: str) -> Response:
        with world.lock:
            return _answer(list_opt_outs(world, request.args))

    @app.route(f"{BASE}/unsubscribes", methods=["POST", "DELETE"])
    def opt_out(service_id: str) -> Response:
        for number in _numbers(request.get_json(silent=True)):
            if request.method == "POST":
                world.sens.opted_out[number] = register_time(world.now())
            else:
                world.sens.opted_out.pop(number, None)
        return Response(status=204)

    @app.errorhandler(Refusal)
    def refused(error: Refusal) -> Response:
        body = {"status": error.status, "errors": error.errors, "errorMessage": str(error)}
        return _answer(body, error.status)

    @app.errorhandler(HTTPException)
    def unknown(error: HTTPException) -> Response:
        return _gateway(error.code or 500, error.description or "")

    return app


def _answer(body: Any, status: int = 200) -> Response:
    response = jsonify(body)
    response.status_code = status
    return response


def _gateway(status: int, details: str) -> Response:
    return _answer(gateway_error(status, details=details), status)


def _not_authentic(world: World) -> str:
    """Tell why the gateway refuses to believe this request; empty when it believes it."""
    timestamp = request.headers.get("x-ncp-apigw-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit()):
        return "x-ncp-apigw-timestamp is missing or not a number of milliseconds"
    if abs(int(timestamp) - world.now().timestamp() * 1000) >= SKEW_MS:
        return "the timestamp is 5 minutes or more from the gateway's clock"
    if request.headers.get("x-ncp-iam-access-key") != world.sens.access_key:
        return "unknown access key"
    # The path and the query exactly as they stood in the request line.
    target = request.environ["RAW_URI"]
    text = f"{request.method} {target}\n{timestamp}\n{world.sens.access_key}"
    digest = hmac.digest(world.sens.secret_key.encode(), text.encode(), hashlib.sha256)
    given = request.headers.get("x-ncp-apigw-signature-v2", "")
    if not hmac.compare_digest(base64.b64encode(digest), given.encode()):
        return "the signature does not fit the request"
    return ""


def _accept(world: World, sent: Raw) -> Raw:
    now = world.now()
    request_id = f"RSLA-{uuid.uuid4().hex}"
    for position, message in enumerate(sent["messages"]):
        original = str(message.get("content") or sent["content"])
        content, truncated = fitted(original, sent["type"])
        subject = "" if sent["type"] == "SMS" else str(message.get("subject") or sent["subject"])
        stored: Raw = {
            "requestId": request_id,
            "messageId": f"{request_id}-{position}",
            "requestTime": f"{now:%Y-%m-%d %H:%M:%S}",
            "contentType": sent["contentType"],
            "type": sent["type"],
            "subject": subject,
            "content": content,
            "countryCode": sent["countryCode"],
            "from": sent["from"],
            "to": message["to"],
            # What follows is the sandbox's own, and no look-up shows it.
            "at": now.isoformat(),
            "original": original,
            "truncated": truncated,
            "unencodable": unencodable(subject + original),
        }
        stored["failure"] = destiny(world.sens, stored)
        world.messages.append(stored)
    return {
        "requestId": request_id,
        "requestTime": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}",
        "statusCode": "202",
        "statusName": "success",
    }


def _numbers(body: Any) -> list[str]:
    if not isinstance(body, list) or not 1 <= len(body) <= 1000:
        raise Refusal("Bad Request", "a list of 1 to 1000 {clientTelNo} is needed")
    numbers = [str(entry.get("clientTelNo", "")) for entry in body if isinstance(entry, dict)]
    if len(numbers) < len(body) or not all(number.isdigit() for number in numbers):
        raise Refusal("Bad Request", "clientTelNo must be digits")
    return numbers
