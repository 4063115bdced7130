"""Telegram's Bot API: getMe, getChat and sendMessage (outside-services: Telegram sendMessage)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from sandbox.state import World
from sandbox.telegram_markup import unparsable

LIMIT = 4096  # UTF-16 code units


class Refusal(Exception):
    """Telegram says no."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code, self.parameters = code, parameters


def create_telegram_app(world: World) -> Flask:
    """Create the Bot API for the owner's bot."""
    app = Flask("sandbox.telegram")
    app.json.ensure_ascii = False  # type: ignore[attr-defined]

    @app.route("/bot<token>/<method>", methods=["GET", "POST"])
    def call(token: str, method: str) -> Response:
        if not re.fullmatch(r"\d+:[\w-]+", token, re.ASCII):
            raise Refusal(404, "Not Found")
        if token != world.bot.token:
            raise Refusal(401, "Unauthorized")
        sent = request.get_json(silent=True)
        values = {**request.values, **(sent if isinstance(sent, dict) else {})}
        answers = {"getme": _me, "getchat": _chat, "sendmessage": _send}
        if method.lower() not in answers:
            raise Refusal(404, "Not Found")
        with world.lock:
            return jsonify({"ok": True, "result": answers[method.lower()](world, values)})

    @app.errorhandler(Refusal)
    def refused(error: Refusal) -> Response:
        body: dict[str, Any] = {"ok": False, "error_code": error.code, "description": str(error)}
        if error.parameters:
            body["parameters"] = error.parameters
        response = jsonify(body)
        response.status_code = error.code
        return response

    @app.errorhandler(HTTPException)
    def unknown(error: HTTPException) -> Response:
        return refused(Refusal(error.code or 500, error.name))

    return app


def _me(world: World, _values: dict[str, Any]) -> dict[str, Any]:
    number = int(world.bot.token.partition(":")[0])
    return {
        "id": number,
        "is_bot": True,
        "first_name": "네이버플레이스 알림",
        "username": world.bot.name,
    }


def _chat(world: World, values: dict[str, Any]) -> dict[str, Any]:
    chat_id = str(values.get("chat_id", ""))
    if not chat_id:
        raise Refusal(400, "Bad Request: chat_id is empty")
    if chat_id not in world.bot.chats:
        raise Refusal(400, "Bad Request: chat not found")
    if world.bot.migrated_to is not None:
        raise Refusal(
            400,
            "Bad Request: group chat was upgraded to a supergroup chat",
            migrate_to_chat_id=world.bot.migrated_to,
        )
    if world.bot.blocked:
        raise Refusal(403, "Forbidden: bot was blocked by the user")
    kind = "supergroup" if chat_id.startswith("-100") else "private"
    return {"id": int(chat_id), "title": world.bot.chats[chat_id], "type": kind}


def _send(world: World, values: dict[str, Any]) -> dict[str, Any]:
    chat, text, mode = _chat(world, values), str(values.get("text") or ""), values.get("parse_mode")
    if not text.strip():
        raise Refusal(400, "Bad Request: message text is empty")
    if len(text.encode("utf-16-le")) // 2 > LIMIT:
        raise Refusal(400, "Bad Request: message is too long")
    if mode and (problem := unparsable(text, str(mode))):
        raise Refusal(400, f"Bad Request: {problem}")
    _not_too_many(world, str(chat["id"]))
    now = world.now()
    message: dict[str, Any] = {
        "message_id": len(world.telegram) + 1,
        "chat_id": str(chat["id"]),
        "text": text,
        "parse_mode": mode,
        "at": now.isoformat(),
    }
    world.telegram.append(message)
    return {
        "message_id": message["message_id"],
        "from": _me(world, values),
        "chat": chat,
        "date": int(now.timestamp()),
        "text": text,
    }


def _not_too_many(world: World, chat_id: str) -> None:
    if world.bot.per_minute is None:
        return
    now = world.now()
    times = [datetime.fromisoformat(m["at"]) for m in world.telegram if m["chat_id"] == chat_id]
    last = [at for at in times if now - at < timedelta(minutes=1)]
    if len(last) >= world.bot.per_minute:
        wait = int((last[0] + timedelta(minutes=1) - now).total_seconds()) + 1
        raise Refusal(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
