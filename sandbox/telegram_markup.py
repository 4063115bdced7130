"""Checks Telegram's three markups in its own words (outside-services: Telegram markup)."""

from __future__ import annotations

import re

RESERVED = set("_*[]()~`>#+-=|{}.!")  # of MarkdownV2
PAIRS_V2 = set("_*~`[]()|")  # may stand for markup; the rest never does
TAGS = {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "a", "code", "pre", "span"}


def unparsable(text: str, mode: str) -> str:
    """Tell why the text is no markup of this mode; empty when it is."""
    checks = {"markdown": _markdown, "markdownv2": _markdown_v2, "html": _html}
    if mode.lower() not in checks:
        return "unsupported parse_mode"
    problem = checks[mode.lower()](text)
    return f"can't parse entities: {problem}" if problem else ""


def _offset(text: str, position: int) -> int:
    return len(text[:position].encode())


def _markdown(text: str) -> str:
    """Look for a sign that opens an entity and is never closed."""
    position = 0
    while position < len(text):
        sign = text[position]
        if sign == "\\":
            position += 2
            continue
        if sign in "_*`":
            end = text.find(sign, position + 1)
            if end < 0:
                start = _offset(text, position)
                return f"Can't find end of the entity starting at byte offset {start}"
            position = end
        position += 1
    return ""


def _markdown_v2(text: str) -> str:
    open_at: dict[str, int] = {}
    position = 0
    while position < len(text):
        sign = text[position]
        if sign == "\\":
            position += 2
            continue
        if sign in RESERVED - PAIRS_V2:
            return f"Character '{sign}' is reserved and must be escaped with the preceding '\\'"
        if sign in "_*~`":
            if sign in open_at:
                del open_at[sign]
            else:
                open_at[sign] = position
        position += 1
    if open_at:
        start = _offset(text, min(open_at.values()))
        return f"Can't find end of the entity starting at byte offset {start}"
    return ""


def _html(text: str) -> str:
    stack: list[str] = []
    for found in re.finditer(r"<(/?)([^\s<>/]*)[^<>]*>|<", text):
        close, name = found.group(1), (found.group(2) or "").lower()
        start = _offset(text, found.start())
        if name not in TAGS:
            return f'Unsupported start tag "{name}" at byte offset {start}'
        if not close:
            stack.append(name)
        elif not stack or stack.pop() != name:
            return f"Unexpected end tag at byte offset {start}"
    return f'Can\'t find end tag corresponding to start tag "{stack[-1]}"' if stack else ""
