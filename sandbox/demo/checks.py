"""Does a run's report agree with what the outside world saw? Every figure is counted twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.server import Sandbox

FLAGS = {"confirmation": "confirm_sms", "guide": "remind_sms", "event": "option_sms"}


@dataclass(frozen=True)
class Check:
    """One figure of the report against the same figure seen from outside."""

    what: str
    reported: object
    seen: object

    @property
    def holds(self) -> bool:
        """Tell whether both figures are equal."""
        return self.reported == self.seen


@dataclass(frozen=True)
class Snapshot:
    """The outside world at one moment."""

    messages: tuple[tuple[str, str], ...]  # (to, text) of every message that SENS accepted
    telegram: tuple[str, ...]
    flags: Mapping[str, int]  # how many items have each flag set
    items: int
    logins: int

    @classmethod
    def take(cls, outside: Sandbox) -> Snapshot:
        """Look at the phones, the owner's chat, the table and the login page."""
        items = outside.sms_items()
        return cls(
            messages=tuple((m["to"], m["content"]) for m in outside.messages()),
            telegram=tuple(m["text"] for m in outside.world.telegram),
            flags={kind: sum(bool(i.get(flag)) for i in items) for kind, flag in FLAGS.items()},
            items=len(items),
            logins=outside.world.login_attempts,
        )


def check_run(
    report: Mapping[str, Any],
    *,
    before: Snapshot,
    after: Snapshot,
    expected: Mapping[str, Any] | None,
    exit_code: int,
) -> list[Check]:
    """Compare a report with what was seen; `expected` None means that nothing may be sent."""
    if not report:
        return [Check("the run wrote a report", "no report", "a report")]
    new = after.messages[len(before.messages) :]
    messages = dict(report["messages"])
    flipped = {kind: after.flags[kind] - before.flags[kind] for kind in FLAGS}
    checks = [
        Check("the run ended well", exit_code, 0),
        Check("the report's own sums balance", report["balanced"], True),
        Check("messages on the phones", sum(messages.values()), len(new)),
        Check("messages that came twice", 0, _twice(after.messages)),
        Check("flags flipped in the table", {k: messages.get(k, 0) for k in FLAGS}, flipped),
        Check("records made", _created(report), after.items - before.items),
        Check("stores add up to the total", _by_store(report), sum(messages.values())),
        Check("logins with a browser", int(report["browser_opened"]), after.logins - before.logins),
        Check("summaries on Telegram", int(any(messages.values())), _summaries(before, after)),
    ]
    wanted = expected or {"messages": dict.fromkeys(FLAGS, 0), "browser_opened": False}
    checks += [
        Check(f"scenario: {name}", report[name], wanted[name])
        for name in ("bookings_confirmed", "bookings_completed", "quarantined", "browser_opened")
        if name in wanted
    ]
    wanted_messages = {kind: wanted["messages"].get(kind, 0) for kind in FLAGS}
    checks.append(
        Check("scenario: messages", {k: messages.get(k, 0) for k in FLAGS}, wanted_messages)
    )
    return checks


def _summaries(before: Snapshot, after: Snapshot) -> int:
    return sum("건 접수" in text for text in after.telegram[len(before.telegram) :])


def _twice(messages: tuple[tuple[str, str], ...]) -> int:
    return sum(count - 1 for count in Counter(messages).values())


def _created(report: Mapping[str, Any]) -> int:
    return int(report["writes_by_action"].get("create_db_record", 0))


def _by_store(report: Mapping[str, Any]) -> int:
    return sum(sum(store["messages"].values()) for store in report["stores"])
