"""What SENS, Telegram, Slack and DynamoDB may answer, while Naver answers well."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

from sandbox.credentials import STORE_IDS
from trials.hostile.inputs import Family, Verdict
from trials.hostile.odd_http import HEADERS, Spec, redirect, shape, size_or_speed
from trials.hostile.oracle import judge_good, judge_run, messages, unserved
from trials.hostile.player import Player
from trials.hostile.quoting import quoting
from trials.hostile.shop import FIRST, Customer

TWO = STORE_IDS[:2]
DEADLINE = 30.0
ACCEPTED = {
    "requestId": "RSLA-1",
    "requestTime": "2025-10-22T14:02:15.000",
    "statusCode": "202",
    "statusName": "success",
}
STATUSES = (200, 201, 204, 206, 400, 401, 403, 404, 409, 413, 418, 422, 429, 500, 502, 503, 599)


def any_answer(rng: random.Random, code: int, body: Any) -> Spec:
    """Make an odd answer of a service that answers `body` when all is well."""
    way = rng.randrange(6)
    if way == 0:
        return size_or_speed(rng)
    if way == 1:
        return redirect(rng)
    if way == 5:
        return quoting(rng)
    if way == 2:
        return (
            "status",
            rng.choice(STATUSES),
            rng.choice(("", "{}", "[]", "<html>점검</html>", "null")),
        )
    if way == 3:
        return "header", rng.choice(STATUSES), rng.choice(HEADERS), "{}"
    return shape(rng, code, body)


def _says_success(spec: Spec) -> bool:
    """Tell whether SENS would lie with it, had it not taken the message."""
    read: Any = None
    with suppress(ValueError):
        if spec[0] in ("json", "text", "bytes"):
            read = spec[2] if spec[0] == "json" else json.loads(spec[2])
    if not isinstance(read, dict) or not isinstance(read.get("requestId"), str):
        return False
    words = [read.get("statusCode", "202"), read.get("statusName", "success")]
    return bool(read["requestId"]) and words == ["202", "success"]


class SensAnswers(Family):
    """Odd answers to a send, which SENS has taken or not: one customer for each."""

    name, whole, short, batch = "sens answers", 60, 4, 12
    known: Sequence[Any] = (
        ("raw_after", ("json", 202, {**ACCEPTED, "statusName": "fail"})),
        ("raw", ("json", 202, {**ACCEPTED, "statusCode": "400"})),
        ("raw_after", ("silence",)),
        ("raw", ("silence",)),
        ("raw_after", ("status", 500, "{}")),
        ("raw", ("status", 200, "{}")),
        ("raw", ("redirect", 307, "{trap}/a")),
        ("raw_after", ("deep", 202, 200_000, "[")),
        ("raw", ("bomb", 202, 700, 1)),
        ("raw_after", ("endless", 202)),
        ("raw", ("quote", 400, "all", "plain", "words")),
        ("raw", ("quote", 403, "headers", "plain", "words")),
        ("raw_after", ("quote", 500, "body", "read", "page")),
        ("raw", ("header", 429, "Retry-After: 1e400", "{}")),
    )

    def made(self, rng: random.Random) -> Any:
        kind, spec = rng.choice(("raw", "raw_after")), any_answer(rng, 202, ACCEPTED)
        code = spec[1] if len(spec) > 1 else 0
        if 400 <= code < 500:
            return "raw", spec  # it says that nothing was taken
        return ("raw_after" if code == 202 and _says_success(spec) else kind), spec

    def play(self, player: Player, given: Mapping[int, Any]) -> Verdict:
        """Send to each of them; later on SENS answers well, and everybody has one message."""
        people = {seed: Customer(FIRST + n, TWO[0]) for n, seed in enumerate(given)}
        with player.world() as folder:
            player.open({TWO[0]: [who.raw() for who in people.values()]}, stores=TWO)
            for seed, who in people.items():
                kind, spec = given[seed]
                write = player.answer("sens", spec)
                player.fault("sens", "POST", kind, write, holding=who.phone)
            first = player.run(folder, deadline=DEADLINE + 3 * len(given))
            taken = {to for to, _ in messages(player)}
            rows = {row["booking"]: row["outcome"] for row in first.report.get("deliveries") or ()}
            shared = [*judge_run(player, first), *judge_good(player)]
            later = []
            for _ in range(3):
                player.no_faults()
                later.append(player.run(folder))
            shared += judge_run(player, *later)
            by_seed: dict[int, list[str]] = {}
            for seed, who in people.items():
                lines = unserved(player, [who], later[-1].report)
                if rows.get(who.booking_num) == "accepted" and who.phone not in taken:
                    lines.append("it was called accepted, and SENS never took it")
                by_seed[seed] = lines
            return Verdict(by_seed, shared)


class ChannelAnswers(Family):
    """Odd answers of a way to the owner: the customers have their messages all the same."""

    service: str
    match: str
    answer: ClassVar[Mapping[str, Any]]

    def made(self, rng: random.Random) -> Any:
        return rng.choice(("raw", "raw_after")), any_answer(rng, 200, self.answer)

    def play(self, player: Player, given: Mapping[int, Any]) -> Verdict:
        """Let one run meet it, and one more."""
        ((seed, (kind, spec)),) = given.items()
        with player.world() as folder:
            player.open(stores=TWO)
            player.fault(self.service, self.match, kind, player.answer(self.service, spec))
            first = player.run(folder, deadline=DEADLINE)
            player.no_faults()
            second = player.run(folder)
            return Verdict({seed: [*judge_run(player, first, second), *judge_good(player)]})


class TelegramAnswers(ChannelAnswers):
    """What Telegram may answer."""

    name, whole, short, service, match = "telegram answers", 30, 1, "telegram", "sendMessage"
    answer: ClassVar[Mapping[str, Any]] = {
        "ok": True,
        "result": {"message_id": 1, "date": 1761109335, "text": "a"},
    }
    known: Sequence[Any] = (
        ("raw_after", ("json", 200, {"ok": True, "result": {"message_id": None}})),
        ("raw", ("json", 429, {"ok": False, "parameters": {"retry_after": "soon"}})),
        ("raw", ("json", 400, {"ok": False, "parameters": {"migrate_to_chat_id": [1]}})),
        ("raw", ("redirect", 302, "{trap}/a")),
        ("raw", ("quote", 404, "line", "plain", "words")),
    )


class SlackAnswers(ChannelAnswers):
    """What Slack may answer."""

    name, whole, short, service, match = "slack answers", 26, 1, "slack", "POST"
    answer: ClassVar[Mapping[str, Any]] = {"ok": True}
    known: Sequence[Any] = (
        ("raw", ("text", 200, "no_service")),
        ("raw", ("text", 404, "no_service " * 1000)),
        ("raw", ("redirect", 308, "{trap}/a")),
        ("raw", ("quote", 404, "line", "plain", "page")),
    )


class DynamoAnswers(Family):
    """Odd answers of DynamoDB: later on everybody has one message, and nobody two."""

    name, whole, short = "dynamodb answers", 40, 1
    known: Sequence[Any] = (
        ("UpdateItem", "raw_after", 0, None, ("bytes", 200, b"{")),
        ("PutItem", "raw_after", 0, 1, ("silence",)),
        ("BatchGetItem", "raw", 0, None, ("json", 200, {"Responses": {}, "UnprocessedKeys": {}})),
        ("UpdateItem", "raw", 2, None, ("json", 400, {"__type": "x#ThrottlingException"})),
        ("GetItem", "raw", 0, None, ("deep", 200, 5000, "{")),
        ("PutItem", "raw", 0, None, ("quote", 400, "all", "read", "words")),
    )

    def made(self, rng: random.Random) -> Any:
        operation = rng.choice(("BatchGetItem", "GetItem", "PutItem", "UpdateItem", "Query", ""))
        after, times = rng.randrange(6), rng.choice((1, 2, None))
        kind = rng.choice(("raw", "raw_after"))
        return operation, kind, after, times, any_answer(rng, 200, {"Item": {"id": {"S": "1"}}})

    def play(self, player: Player, given: Mapping[int, Any]) -> Verdict:
        """Let one run meet it; the next ones do not."""
        ((seed, (operation, kind, after, times, spec)),) = given.items()
        with player.world() as folder:
            player.open(stores=TWO)
            write = player.answer("aws", spec)
            player.fault("aws", operation, kind, write, after=after, times=times)
            first = player.run(folder, deadline=DEADLINE)
            later = []
            for _ in range(2):
                player.no_faults()
                later.append(player.run(folder))
            served = unserved(player, player.good, later[-1].report)
            return Verdict({seed: [*judge_run(player, first, *later), *served]})


FAMILIES: tuple[Family, ...] = (SensAnswers(), TelegramAnswers(), SlackAnswers(), DynamoAnswers())
