"""What Naver may answer: about one booking, and to one store's questions."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.credentials import STORE_IDS
from trials.hostile.inputs import NIGHT, Family, Verdict
from trials.hostile.odd_http import (
    HEADERS,
    Spec,
    as_json,
    redirect,
    said,
    shape,
    size_or_speed,
    spoiled,
)
from trials.hostile.oracle import judge_good, judge_run, messages, names
from trials.hostile.player import Player
from trials.hostile.quoting import quoting
from trials.hostile.shop import FIRST, Customer
from trials.hostile.texts import STORE, national

RC03 = "?bizItemTypes=STANDARD&bookingStatusCodes=RC03"
LATER = STORE_IDS[3:]  # of which the first look at the session asks none
DEADLINE = 20.0


class Shapes(Family):
    """Bookings whose JSON is spoiled in one place: each is served or named."""

    name, whole, short, batch = "json shapes", 60, 6, 12
    known: Sequence[Any] = (
        "nothing",
        "null",
        "deep",
        "no id",
        "no id",
        "snapshot null",
        "bools",
        "list",
        "huge id",
        "float id",
    )

    def made(self, rng: random.Random) -> Any:
        return rng.random()

    def value(self, seed: int) -> Any:
        made = super().value(seed)
        # Known inputs and those of a night share a batch: no number may stand twice in it.
        who = Customer(FIRST + seed if seed < NIGHT else 1000 + seed % 3000, STORE)
        raw: Any = who.raw()
        changes: dict[str, Any] = {
            "nothing": {},
            "null": None,
            "no id": {k: v for k, v in raw.items() if k != "bookingId"},
            "snapshot null": {**raw, "snapshotJson": None},
            "bools": dict.fromkeys(raw, True),
            "list": [raw],
            "huge id": {**raw, "bookingId": 10**30},
            "float id": {**raw, "bookingId": float(raw["bookingId"])},
            "deep": {**raw, "extraFeeJson": json.loads("[" * 900 + "]" * 900)},
        }
        if isinstance(made, str):
            return who, changes[made]
        rng = random.Random(made)
        for _ in range(rng.choice((1, 1, 1, 3))):
            raw = spoiled(rng, raw)
        return who, raw

    def play(self, player: Player, given: Mapping[int, Any]) -> Verdict:
        """List them all in one store, beside its good customer."""
        with player.world() as folder:
            player.open()
            listed = [player.good[0].raw(), *(raw for _, raw in given.values())]
            count = said(body=as_json({"count": len(listed)}))
            player.fault(
                "partner", f"/v3.1/businesses/{STORE}/bookings/count{RC03}", "raw", lambda: [count]
            )
            page = said(body=as_json(listed))
            player.fault(
                "partner", f"/api/businesses/{STORE}/bookings{RC03}", "raw", lambda: [page]
            )
            first = player.run(folder)
            player.sandbox.world.advance(1200)
            second = player.run(folder)
            phones = [who.phone for who, _ in given.values()]
            stopped = names(first.report, "_-", store=STORE)
            shared = judge_run(player, first, second, phones=phones)
            for ran in (first, second):  # rows that vanish on the way make its sums differ
                if found := ran.report.get("contradictions"):
                    shared.append(f"a report contradicts itself: {found[:3]}")
            shared += judge_good(player, but=[STORE] if stopped else [])
            unknown = [
                row for row in first.report.get("quarantine", ()) if not _is_ours(row, given)
            ]
            by_seed: dict[int, list[str]] = {}
            nameless = 0
            for seed, (who, raw) in given.items():
                sent = [m for m in player.sandbox.messages() if who.phone[-8:] in m["to"]]
                lines = [f"it was sent to {m['to'][:3]}..." for m in sent if m["to"] != _phone(raw)]
                if not sent and not names(first.report, who.booking_num) and not stopped:
                    nameless += 1
                    if nameless > len(unknown) and not _is_for_another(raw, player):
                        lines.append("nothing was sent, and no report names it")
                by_seed[seed] = lines
            return Verdict(by_seed, shared)


def _is_ours(row: Mapping[str, Any], given: Mapping[int, Any]) -> bool:
    return any(
        row.get("booking_id") == who.booking_num.partition("_")[2] for who, _ in given.values()
    )


def _phone(raw: Any) -> str:
    return national(str(raw.get("phone", "")))[0] if isinstance(raw, dict) else ""


def _is_for_another(raw: Any, player: Player) -> bool:
    """Tell whether it was sent to the number that the spoiled booking has."""
    return isinstance(raw, dict) and any(m["to"] == _phone(raw) for m in player.sandbox.messages())


class StoreAnswers(Family):
    """Odd answers to the questions about some stores, while the others answer well."""

    batch = 4

    def spec(self, rng: random.Random, where: str) -> Spec:
        raise NotImplementedError

    def made(self, rng: random.Random) -> Any:
        where = rng.choice(("count", "list", "both", "second"))
        return where, self.spec(rng, where)

    def play(self, player: Player, given: Mapping[int, Any]) -> Verdict:
        """Give each of them a store of its own; afterwards all is well, and everybody is served."""
        with player.world() as folder:
            player.open()
            stores = dict(zip(given, LATER, strict=False))
            for seed, store in stores.items():
                where, spec = given[seed]
                write = player.answer("partner", spec)
                paths = {"count": "/v3.1", "list": "/api", "second": "/api", "both": ""}
                after = {"second": 1}.get(where, 0)
                match = f"{paths[where]}/businesses/{store}/bookings"
                player.fault("partner", match, "raw", write, after=after)
            first = player.run(folder, deadline=DEADLINE)
            shared = [*judge_run(player, first), *judge_good(player, but=stores.values())]
            seen = messages(player)
            by_seed: dict[int, list[str]] = {}
            for seed, store in stores.items():
                (good,) = (one for one in player.good if one.store == store)
                served = seen[good.phone, "confirmation"]
                told = names(first.report, good.booking_num, store=store) or any(
                    row["store_id"] == store for row in first.report.get("quarantine", ())
                )
                if not served and not told:
                    by_seed[seed] = ["its store was not served, and no report names it"]
            player.no_faults()
            second = player.run(folder)
            shared += [*judge_run(player, second), *judge_good(player)]
            return Verdict(by_seed, shared)


class NaverShapes(StoreAnswers):
    """JSON that is none of Naver's."""

    name, whole, short = "naver answers", 60, 4
    known: Sequence[Any] = (
        ("count", ("json", 200, {"count": 0})),
        ("count", ("json", 200, {"count": 10**12})),
        ("count", ("json", 200, {"count": "1"})),
        ("list", ("json", 200, [])),
        ("list", ("json", 200, None)),
        ("list", ("json", 200, {"bookings": []})),
        ("list", ("deep", 200, 200_000, "[")),
        ("count", ("deep", 200, 200_000, "{")),
        ("list", ("status", 422, '{"message": "나무늘보 010-0000-0004"}')),
        ("both", ("status", 401, "{}")),
        ("both", ("status", 403, "{}")),
        ("both", ("status", 204, "")),
        ("both", ("status", 500, "나무늘보")),
        ("list", ("bytes", 200, b"[{}" + b",{}" * 200_000 + b"]")),
        ("list", ("text", 200, "[NaN, Infinity]")),
        ("both", ("quote", 422, "all", "plain", "words")),
        ("list", ("quote", 400, "headers", "plain", "reason")),
    )

    def spec(self, rng: random.Random, where: str) -> Spec:
        if rng.random() < 0.2:
            return (
                "status",
                rng.choice((201, 204, 206, 400, 404, 410, 418, 422, 451, 503, 599)),
                rng.choice(("", "{}", "[]", "점검")),
            )
        if rng.random() < 0.2:
            return quoting(rng)
        good: Any = {"count": 1} if where == "count" else [Customer(FIRST, STORE).raw()]
        return shape(rng, 200, good)


class NaverSizes(StoreAnswers):
    """Answers that are too large, too slow, or no HTTP."""

    name, whole, short = "sizes and speeds", 48, 4
    known: Sequence[Any] = (
        ("list", ("bomb", 200, 1500, 1)),
        ("list", ("slow body", 0.3)),
        ("both", ("endless", 200)),
        ("count", ("endless 100",)),
        ("both", ("header", 200, HEADERS[0], '{"count": 1}')),
    )

    def spec(self, rng: random.Random, where: str) -> Spec:
        return size_or_speed(rng)


class NaverRedirects(StoreAnswers):
    """Redirects, to where nobody may go with the owner's cookies."""

    name, whole, short = "redirects", 24, 4
    known: Sequence[Any] = (
        ("both", ("redirect", 302, "{trap}/a")),
        ("list", ("redirect", 307, "/")),
    )

    def spec(self, rng: random.Random, where: str) -> Spec:
        return redirect(rng)


FAMILIES: tuple[Family, ...] = (Shapes(), NaverShapes(), NaverSizes(), NaverRedirects())
