"""Services that quote what they were sent: the line, headers or body, in some form and place."""

from __future__ import annotations

import html
import json
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from sandbox.request_log import Seen

CODES = (200, 202, 400, 401, 403, 404, 409, 413, 422, 429, 500, 503)
PARTS: dict[str, Callable[[Seen], str]] = {
    "line": lambda seen: f"{seen.line} HTTP/1.1",
    "headers": lambda seen: "\n".join(f"{name}: {text}" for name, text in seen.headers.items()),
    "body": lambda seen: seen.body.decode("utf-8", "replace"),
    "all": lambda seen: "\n".join(PARTS[part](seen) for part in ("line", "headers", "body")),
}
FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "read": lambda text: text.encode("ascii", "replace").decode("unicode_escape", "replace"),
    "json": json.dumps,
    "html": html.escape,
    "url": lambda text: quote(text, safe=""),
}
PLACES = ("words", "page", "reason", "header")


def quoting(rng: random.Random) -> tuple[str, int, str, str, str]:
    """Make an answer that quotes its request."""
    part, form = rng.choice(list(PARTS)), rng.choice(list(FORMS))
    return "quote", rng.choice(CODES), part, form, rng.choice(PLACES)


def quoted(seen: Seen, code: int, part: str, form: str, place: str) -> bytes:
    """Write the whole answer to a request."""
    text = FORMS[form](PARTS[part](seen))
    line = " ".join(text.split())
    words = {"message": text, "details": text, "errorCode": text}
    body, reason, header = b"{}", "Quoted", "X-Nothing: 0"
    if place == "words":
        # Each service finds its own words in it.
        said: dict[str, Any] = {
            "error": words,
            "errors": [words],
            "errorMessage": text,
            "__type": text,
        }
        said |= {"ok": False, "description": text, "message": text, "statusName": text}
        body = json.dumps(said).encode()
    elif place == "page":
        body = f"Bad request: {text}".encode()
    elif place == "reason":
        reason = line[:30_000]
    else:
        header = f"X-Request: {line[:30_000]}"
    head = f"HTTP/1.1 {code} {reason}\r\nContent-Type: application/json\r\nConnection: close\r\n"
    head += f"{header}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
