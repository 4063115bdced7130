"""A rule's conditions, compiled once into one question that is asked for every booking."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from naverplace.base.errors import CannotDecide
from naverplace.base.registry import Registry
from naverplace.rules.conditions import Answer, Context
from naverplace.rules.rule_parser import Call, Condition

logger = logging.getLogger(__name__)
T = TypeVar("T")


class Reply(NamedTuple):
    """What a condition or group said; `failed` is the first condition that said no."""

    holds: bool
    seen: Mapping[str, Any]
    failed: str = ""
    since: datetime | None = None  # when it began to hold, if it depends on time
    start_bound: bool = False  # it holds because of when the booking starts


Question = Callable[[Context], Reply]


def compiled(condition: Condition, registry: Registry) -> Question:
    """Compile a condition or group; what it cannot decide, it raises as CannotDecide."""
    if isinstance(condition, Call):
        return _one(condition, registry[condition.word])
    parts = [compiled(part, registry) for part in condition.parts]
    return {"all": _all, "any": _any, "not": _not}[condition.word](parts, condition.text)


def placed(call: Call, function: Callable[..., T], ctx: object) -> T:
    """Call a condition or action; raises CannotDecide with its place in the rules."""
    try:
        return function(ctx, **call.parameters)
    except CannotDecide as error:
        raise CannotDecide(f"{call.place}: {call.text}: {error}") from None
    except Exception as error:  # noqa: BLE001 - one broken booking never stops the others
        # An unforeseen error's text may quote a name, so only its kind and place are told.
        trace = "".join(traceback.format_tb(error.__traceback__))
        what = type(error).__name__
        logger.error("a defect of ours: %s at %s broke: %s\n%s", call.word, call.place, what, trace)
        raise CannotDecide(f"{call.place}: {call.text}: {type(error).__name__}") from None


def _one(call: Call, function: Callable[..., Answer | bool]) -> Question:
    def ask(ctx: Context) -> Reply:
        answer = placed(call, function, ctx)
        if isinstance(answer, bool):
            return Reply(answer, {}, "" if answer else call.text)
        failed = "" if answer.holds else call.text
        return Reply(answer.holds, answer.seen, failed, answer.since, answer.start_bound)

    return ask


def _all(parts: list[Question], _text: str) -> Question:
    def ask(ctx: Context) -> Reply:
        seen: dict[str, Any] = {}
        since, start_bound = None, False
        for part in parts:
            reply = part(ctx)
            if not reply.holds:
                return reply
            seen.update(reply.seen)
            start_bound = start_bound or reply.start_bound
            if reply.since and (since is None or reply.since > since):
                since = reply.since
        return Reply(True, seen, since=since, start_bound=start_bound)

    return ask


def _any(parts: list[Question], text: str) -> Question:
    def ask(ctx: Context) -> Reply:
        seen: dict[str, Any] = {}
        for part in parts:
            reply = part(ctx)
            if reply.holds:
                return reply
            seen.update(reply.seen)
        return Reply(False, seen, text)

    return ask


def _not(parts: list[Question], text: str) -> Question:
    def ask(ctx: Context) -> Reply:
        reply = parts[0](ctx)
        return Reply(not reply.holds, reply.seen, text if reply.holds else "")

    return ask
