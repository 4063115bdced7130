"""Slack: one incoming webhook (outside-services: Slack webhook)."""

from __future__ import annotations

import json
from typing import Any

from flask import Flask, Request, Response, request

from sandbox.state import World

BLOCKS, SECTION, HEADER, ATTACHMENTS = 50, 3000, 150, 100
STATUS = {
    "action_prohibited": 403,
    "team_disabled": 403,
    "invalid_token": 403,
    "posting_to_general_channel_denied": 403,
    "no_service": 404,
    "no_team": 404,
    "channel_not_found": 404,
    "channel_is_archived": 410,
    "rollup_error": 500,
}


def create_slack_app(world: World) -> Flask:
    """Create the webhook; it answers plain text, and `ok` only when the message was taken."""
    app = Flask("sandbox.slack")

    @app.route("/<path:path>", methods=["GET", "POST", "PUT", "DELETE"])
    def hook(path: str) -> Response:
        if f"/{path}" != world.hook.path:
            return _say("no_service", 404)
        if request.method != "POST":
            return _say("method_not_allowed", 405)
        if world.hook.state != "alive":
            return _say(world.hook.state, STATUS.get(world.hook.state, 400))
        payload = _payload(request)
        problem = "invalid_payload" if payload is None else _problem(payload)
        if payload is None or problem:
            return _say(problem, 400)
        world.slack.append(
            {
                "text": payload.get("text") or "",
                "blocks": payload.get("blocks") or [],
                "attachments": payload.get("attachments") or [],
                "at": world.now().isoformat(),
            }
        )
        return _say("ok", 200)

    return app


def _say(text: str, status: int) -> Response:
    return Response(text, status=status, mimetype="text/plain")


def _payload(sent: Request) -> dict[str, Any] | None:
    text = sent.form["payload"] if "payload" in sent.form else sent.get_data(as_text=True)
    try:
        payload = json.loads(text)
    except ValueError:
        return None
    return payload if isinstance(payload, dict) else None


def _problem(payload: dict[str, Any]) -> str:
    text, blocks = payload.get("text"), payload.get("blocks")
    attachments = payload.get("attachments")
    if text is not None and not isinstance(text, str):
        return "invalid_payload"
    if not (text and text.strip()) and not blocks and not attachments:
        return "no_text"
    if attachments is not None and not isinstance(attachments, list):
        return "invalid_payload"
    if attachments and len(attachments) > ATTACHMENTS:
        return "too_many_attachments"
    if blocks is None:
        return ""
    if not isinstance(blocks, list):
        return "invalid_blocks_format"
    return "" if len(blocks) <= BLOCKS and all(map(_is_block, blocks)) else "invalid_blocks"


def _is_block(block: Any) -> bool:
    if not isinstance(block, dict):
        return False
    kind, text = block.get("type"), block.get("text")
    if kind == "header":
        return _is_text(text, HEADER, kinds=("plain_text",))
    if kind == "section":
        fields = block.get("fields") or []
        fine = all(_is_text(field, 2000) for field in fields) and len(fields) <= 10
        return fine and (_is_text(text, SECTION) if text is not None else bool(fields))
    if kind == "context":
        elements = block.get("elements")
        return isinstance(elements, list) and 1 <= len(elements) <= 10
    return kind in ("divider", "actions", "image", "rich_text", "markdown", "table", "video")


def _is_text(text: Any, longest: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> bool:
    if not isinstance(text, dict) or text.get("type") not in kinds:
        return False
    content = text.get("text")
    return isinstance(content, str) and 1 <= len(content) <= longest
