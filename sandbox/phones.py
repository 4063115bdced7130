"""The page that shows what was received, as the phones of the customers would show it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from flask import Flask, Response, render_template, request

from sandbox.sens_delivery import delivery_of
from sandbox.state import SEOUL

if TYPE_CHECKING:
    from sandbox.scenarios.build import Scenario
    from sandbox.state import Raw, World

STATES = {"READY": "발송 대기", "PROCESSING": "발송 중", "COMPLETED": "도착"}
MOST_PHONES = 60  # the newest; a scenario's run sends to a few dozen


class HasWorld(Protocol):
    """What the page shows of a sandbox."""

    @property
    def world(self) -> World: ...
    @property
    def scenario(self) -> Scenario | None: ...


@dataclass
class Bubble:
    """One message on a phone."""

    sender: str
    subject: str
    text: str
    at: datetime
    state: str
    problem: str
    kind: str


@dataclass
class Phone:
    """One customer's phone."""

    number: str
    owner: str
    bookings: list[str]
    bubbles: list[Bubble] = field(default_factory=list)

    @property
    def last(self) -> datetime:
        return max(bubble.at for bubble in self.bubbles)


def add_phones_page(app: Flask, sandbox: HasWorld) -> None:
    """Serve the page at `/`; a page that is open fetches itself again every two seconds."""

    @app.get("/")
    def page() -> Response:
        world = sandbox.world
        with world.lock:
            html = render_template(
                "phones.html",
                scenario=sandbox.scenario,
                now=world.now(),
                total=len(world.messages),
                failed=sum(message["failure"] is not None for message in world.messages),
                bookings=sum(map(len, world.stores.values())),
                stores=len(world.stores),
                phones=phones(world)[:MOST_PHONES],
                panes=list(_panes(world)),
            )
        response = Response(html, mimetype="text/html")
        response.set_etag(hashlib.sha256(html.encode()).hexdigest())
        return response.make_conditional(request)  # type: ignore[return-value]


def phones(world: World) -> list[Phone]:
    """Give one phone for every number that was written to, the newest first."""
    found: dict[str, Phone] = {}
    owners = _owners(world)
    for message in world.messages:
        to = message["to"]
        if to not in found:
            bookings = owners.get(to, [])
            owner = str(bookings[0].get("name", "")) if bookings else "모르는 번호"
            found[to] = Phone(hyphenated(to), owner, [_about(raw) for raw in bookings])
        found[to].bubbles.append(_bubble(delivery_of(world, message)))
    return sorted(found.values(), key=lambda phone: phone.last, reverse=True)


def hyphenated(number: str) -> str:
    """Write a number as people do: the sandbox's own rule, good enough for a page."""
    head = 4 if number.startswith("050") else 2 if number.startswith("02") else 3
    return f"{number[:head]}-{number[head:-4]}-{number[-4:]}"


def _owners(world: World) -> dict[str, list[Raw]]:
    owners: dict[str, list[Raw]] = {}
    for bookings in world.stores.values():
        for raw in bookings:
            digits = "".join(c for c in str(raw.get("phone") or "") if c.isdigit())
            national = f"0{digits[2:]}" if digits.startswith("82") else digits
            owners.setdefault(national, []).append(raw)
    return owners


def _about(raw: Raw) -> str:
    """Name store and time of a booking; broken ones show what there is."""
    text = str(raw.get("snapshotJson", {}).get("startDateTime") or "")
    try:
        start = datetime.fromisoformat(text).astimezone(SEOUL)
        when = f"{start.month}월 {start.day}일 {start:%H:%M}"
    except ValueError:
        when = text or "시간 없음"
    return f"{raw.get('businessName', '')} · {when}"


def _bubble(message: Raw) -> Bubble:
    problems = []
    if message["status"] == "COMPLETED" and message["failure"]:
        problems.append(f"실패 {message['failure'][0]}: {message['failure'][1]}")
    if message["unencodable"]:
        problems.append(f"EUC-KR에 없는 문자: {message['unencodable']}")
    if message["truncated"]:
        lost = len(message["original"]) - len(message["content"])
        problems.append(f"길이 초과로 {lost}자 잘림")
    return Bubble(
        sender=hyphenated(message["from"]),
        subject=message["subject"],
        text=message["content"],
        at=datetime.fromisoformat(message["at"]),
        state=STATES[message["status"]],
        problem=" · ".join(problems),
        kind=f"{message['type']}{' 광고' if message['contentType'] == 'AD' else ''}",
    )


def _panes(world: World) -> Iterator[dict[str, Any]]:
    yield {"name": "Telegram", "who": "사장님 알림방", "messages": _notices(world.telegram)}
    yield {"name": "Slack", "who": "#예약-알림", "messages": _notices(world.slack)}


def _notices(messages: Iterable[Raw]) -> list[dict[str, Any]]:
    newest = list(messages)[-20:]
    return [
        {"text": _text(message), "at": datetime.fromisoformat(message["at"])}
        for message in reversed(newest)
    ]


def _text(message: Raw) -> str:
    """Read a notice's text; of Slack's blocks, what they show."""
    lines = []
    for block in message.get("blocks") or []:
        texts = [block.get("text"), *(block.get("fields") or []), *(block.get("elements") or [])]
        lines += [str(t["text"]) for t in texts if isinstance(t, dict) and "text" in t]
    shown = "\n".join(lines) or str(message["text"])
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
