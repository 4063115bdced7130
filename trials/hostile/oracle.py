"""What holds for every input, whatever it is; nothing of the library is used."""

from __future__ import annotations

import base64
import html
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from trials.campaign.fork_server import DIED
from trials.hostile.player import Player, Ran
from trials.hostile.shop import Customer, kind_of

MOST_MB = 400.0
OURS = re.compile(r"^(naverplace\.base\.errors\.\w+|requests\.|urllib3\.|botocore\.)", re.MULTILINE)
TRACEBACK = "Traceback (most recent call last)"
SECRETS = ("USERNAME", "PASSWORD", "SECRET_KEY", "ACCESS_KEY", "BOT_TOKEN", "WEBHOOK_URL")
NAME = "나무늘보"  # of every good customer
Wanted = Iterable[tuple[str, str]]  # phone and kind


def judge_run(
    player: Player, *ran: Ran, phones: Iterable[str] = (), may_die: bool = False
) -> list[str]:
    """Judge what holds for any process: its end, its words, its memory, and what it has leaked."""
    wrong: list[str] = []
    for number, one in enumerate(ran):
        wrong += [f"process {number}: {line}" for line in _ending(one, may_die=may_die)]
    return [*wrong, *_leaks(player, ran, phones), *_twice(player), *_trapped(player)]


def judge_good(player: Player, *, but: Iterable[str] = ()) -> list[str]:
    """Judge whether every good customer, but those of some stores, has what is owed, once."""
    seen, left = messages(player), set(but)
    return [
        f"{kind} of the good customer of {good.store} came {seen[good.phone, kind]} times"
        for good in player.good
        for kind in good.owed
        if good.store not in left and seen[good.phone, kind] != 1
    ]


def messages(player: Player) -> Counter[tuple[str, str]]:
    """Count the text messages by phone and kind."""
    return Counter((m["to"], kind_of(m)) for m in player.sandbox.messages())


def names(report: Mapping[str, Any], booking_num: str, *, store: str = "") -> bool:
    """Tell whether a report names a booking, in its quarantine or its problems, or its store."""
    number = booking_num.partition("_")[2]
    rows = report.get("quarantine", ())
    if any(row.get("booking_id") == number for row in rows):
        return True
    lines = [*report.get("problems", ()), *report.get("contradictions", ())]
    return any(number in line or (store and store in line) for line in lines)


def _ending(ran: Ran, *, may_die: bool) -> Iterator[str]:
    if ran.state == DIED and not may_die:
        yield "it died"
    elif ran.state == "timed out":
        yield f"it did not end within its deadline: {ran.words}"
    elif ran.state == "raised":
        yield f"it raised {ran.words[:300]}"
    if ran.memory_mb > MOST_MB:
        yield f"it took {ran.memory_mb:.0f} MB"
    texts = {"stdout": ran.stdout, "the answer": ran.answer, **ran.files}
    for place, text in texts.items():
        if TRACEBACK in text:
            yield f"a traceback in {place}"
    for trace in ran.stderr.split(TRACEBACK)[1:]:
        # The log of Lambda is an engineer's: there an error on purpose may tell its cause.
        last = next((line for line in trace.split("\n")[1:] if line and line[0] not in " \t"), "")
        is_cause = " the following exception:" in trace or "another exception occurred" in trace
        if not ran.answer or not (is_cause or OURS.match(last)):
            yield f"a traceback in the log: {last[:200]}"


def _twice(player: Player) -> list[str]:
    return [
        f"{kind} to ***{to[-4:]} came {count} times"
        for (to, kind), count in messages(player).items()
        if count > 1
    ]


def _trapped(player: Player) -> list[str]:
    return [f"a request went astray: {line[:120]!r}" for line in player.trap.caught]


def _leaks(player: Player, ran: Iterable[Ran], phones: Iterable[str]) -> list[str]:
    places = dict(_places(player, ran))
    folded = {place: fold(text) for place, text in places.items()}
    found: set[str] = set()
    known = [*_secrets(player.sandbox.environment())]
    for login in player.sandbox.world.cookies.alive:
        known += [("NID_AUT", login.aut), ("NID_SES", login.ses)]
    for name, secret in known:
        for form in forms_of(secret):
            found |= {f"{name} in {place}" for place, text in places.items() if form in text}
    everybody = [*(good.phone for good in player.good), *phones]
    for phone in everybody:
        pattern = re.compile(rf"10\D{{0,2}}{phone[-8:-4]}\D{{0,2}}{phone[-4:]}(?!\d)")
        for place, text in folded.items():
            if (
                place != "session"
                and phone[-8:] in re.sub(r"\D", "", text)
                and pattern.search(text)
            ):
                found.add(f"phone ***{phone[-4:]} in {place}")
    found |= {f"a name in {place}" for place, text in places.items() if NAME in text}
    return [f"leaked: {one}" for one in sorted(found)]


def _places(player: Player, ran: Iterable[Ran]) -> Iterator[tuple[str, str]]:
    for number, one in enumerate(ran):
        yield f"stdout of process {number}", one.stdout
        yield f"the log of process {number}", one.stderr
        yield f"the answer of process {number}", one.answer
        yield f"the error of process {number}", one.words
        for name, text in one.files.items():
            if not name.startswith("reports/") or number == 0:
                yield f"file {name}", text
    world = player.sandbox.world
    yield "telegram", json.dumps(world.telegram, ensure_ascii=False)
    yield "slack", json.dumps(world.slack, ensure_ascii=False)
    items = [i for i in player.sandbox.session_items() if "cookies" not in i]
    yield "session", json.dumps(items, ensure_ascii=False, default=str)


def _secrets(env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in env.items():
        if name.endswith(SECRETS) and not name.endswith("ACCESS_KEY_ID"):
            yield name, value
    for store, codes in json.loads(env["NAVERPLACE_ACCESS"]).items():
        yield from ((f"{word} of {store}", code) for word, code in codes.items())


def forms_of(secret: str) -> set[str]:
    """List the forms in which a secret may be written."""
    raw = secret.encode()
    forms = {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        html.escape(secret),
        json.dumps(secret)[1:-1],
        json.dumps(json.dumps(secret))[3:-3],
        repr(secret)[1:-1],
    }
    if len(raw) >= 8:
        forms |= {base64.b64encode(raw).decode().rstrip("="), raw.hex(), secret[::-1]}
        forms |= {secret[: len(secret) * 2 // 3], secret[len(secret) // 3 :]}  # a piece of it
    return {form for form in forms if len(form) >= 6 or form == secret}


def fold(text: str) -> str:
    """Write every digit plainly, and leave out what nobody sees."""
    if text.isascii():
        return text
    shown = "".join(
        s for s in unicodedata.normalize("NFKC", text) if unicodedata.category(s) != "Cf"
    )
    return "".join(str(unicodedata.digit(s)) if s.isdigit() else s for s in shown)


def unserved(player: Player, people: Iterable[Customer], report: Mapping[str, Any]) -> list[str]:
    """List the messages that neither came nor are named."""
    seen = messages(player)
    return [
        f"{kind} of {one.booking_num} came {seen[one.phone, kind]} times, and no report names it"
        for one in people
        for kind in one.owed
        if not seen[one.phone, kind] and not names(report, one.booking_num)
    ]
